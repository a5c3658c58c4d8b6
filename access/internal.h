/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share, and nobody else sees. */
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
    struct keys *keys; /* NULL: tickets are neither made nor taken */
    access_pam_function *check_pam;
    void *pam_context;
    pthread_mutex_t lock; /* guards current, not what it points to */
    struct snapshot *current;
};

/* Of a user or a token: enabled, and not expired. */
bool access_is_active(const json_t *document, time_t now);

#endif
