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
#include "access/vnc_ticket.h"
#include "base/hash.h"

/* A console's ticket that was used. */
struct used_ticket {
    char hash[SHA1_HEX_SIZE];
    time_t until;
};

struct access {
    struct storage *storage;
    struct keys *keys; /* NULL: there are no tickets */
    access_pam_function *check_pam;
    void *pam_context;
    unsigned login_days;  /* after which a login ends */
    pthread_mutex_t lock; /* guards what follows, not what `current` points to */
    struct used_ticket used[VNC_TICKETS_IN_USE];
    struct snapshot *current;
};

/* Whether a user or a token is enabled and has not expired. */
bool access_is_active(const json_t *document, time_t now);

#endif
