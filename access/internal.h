/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of access/ share. Nobody else includes it. */
#ifndef HOSTPCI_ACCESS_INTERNAL_H
#define HOSTPCI_ACCESS_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "access/access.h"
#include "access/keys.h"
#include "access/snapshot.h"

struct access {
    struct storage *storage;
    struct keys *keys; /* NULL: there are no tickets */
    access_pam_function *check_pam;
    void *pam_context;
    unsigned login_days;  /* after which a login ends */
    pthread_mutex_t lock; /* guards what follows, not what `current` points to */
    struct snapshot *current;
};

/* Whether a user or a token is enabled and has not expired. */
bool access_is_active(const json_t *document, time_t now);

#endif
