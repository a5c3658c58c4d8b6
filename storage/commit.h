/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change set becomes durable: a backend decides when, storage_apply does it.
 *
 * A backend takes change sets and sooner or later applies each here with storage_apply, or refuses it. The
 * local backend applies each at once, in the thread that submits it; sets that arrive while another is being
 * written share the next transaction (storage/write.h). A replicating backend may deliver the sets of other
 * nodes in between. Sets that have no document in common may be applied in a different order on each node;
 * the expected revisions make sure that all nodes end with the same documents. */
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
    char id[UUID_SIZE]; /* by which a backend recognises its own sets */
    struct change *first;
    struct change **end;
};

/* `failure` is NULL if the set was applied here. */
typedef void commit_done(void *context, const struct error *failure);

struct storage_backend {
    /* Takes the set. Calls done exactly once, from any thread, perhaps before it returns, holding no lock. */
    void (*submit)(struct storage_backend *self, struct storage *storage, struct change_set *set,
                   commit_done *done, void *context);
};

/* A new storage has the local backend, which NULL brings back. No other thread may use the storage during the
 * call. The backend must outlive the storage. */
void storage_set_backend(struct storage *storage, struct storage_backend *backend);

/* Applies the set to the database, whole or not at all; it is on the disk when this returns. For backends
 * only, from any thread. Concurrent calls share a transaction, so a backend that has many sets to apply may
 * call this from several threads. */
int storage_apply(struct storage *storage, const struct change_set *set, struct error *err);

#endif
