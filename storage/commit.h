/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change set becomes durable: a backend decides when, storage_apply does it.
 *
 * A backend takes change sets and, each in its own time, has them applied here with storage_apply or refuses
 * them. The local one applies at once. A replicating one may deliver those of other nodes in between, and
 * sets that have no document in common in another order on each node; the expected revisions hold it
 * together. */
#ifndef HOSTPCI_STORAGE_COMMIT_H
#define HOSTPCI_STORAGE_COMMIT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "storage/storage.h"

struct change {
    struct change *next;
    char *kind;
    char *id;
    int64_t expected;
    json_t *body; /* NULL: delete */
};

struct change_set {
    char id[UUID_SIZE]; /* by which a backend knows its own set again */
    struct change *first;
    struct change **end;
};

/* failure NULL: it was applied here. */
typedef void commit_done(void *context, const struct error *failure);

struct storage_backend {
    /* Takes the set. Calls done exactly once, from any thread, maybe before it returns, with no lock held. */
    void (*submit)(struct storage_backend *self, struct storage *storage, struct change_set *set,
                   commit_done *done, void *context);
};

/* The local one from the start. Not while other threads use the storage. The backend must outlive it. */
void storage_set_backend(struct storage *storage, struct storage_backend *backend);

/* Applies the set to the database, whole or not at all. Called by backends only, from any thread. */
int storage_apply(struct storage *storage, const struct change_set *set, struct error *err);

#endif
