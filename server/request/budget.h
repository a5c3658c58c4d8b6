/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that all requests with large bodies may take together, including what decoding needs. One user
 * gets at most half of it. Thread-safe. */
#ifndef HOSTPCI_SERVER_REQUEST_BUDGET_H
#define HOSTPCI_SERVER_REQUEST_BUDGET_H

#include <pthread.h>
#include <stddef.h>

#include "base/error.h"

#define BUDGET_BYTES ((size_t)8 * 1024 * 1024)

struct budget {
    pthread_mutex_t mutex; /* guards the rest, and every part in the list */
    size_t taken;
    struct budget_part *first;
};

/* What one request has taken. It must not be moved until budget_give. */
struct budget_part {
    struct budget_part *next;
    const char *user;
    size_t bytes; /* 0: nothing */
};

/* `user` must live as long as the part. ERROR_BUSY if less than that is left, altogether or for this user. */
int budget_take(struct budget *budget, struct budget_part *part, const char *user, size_t bytes,
                struct error *err);
void budget_give(struct budget *budget, struct budget_part *part);

#endif
