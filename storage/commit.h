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
    int64_t revision; /* that the document gets; 0: the next one */
    json_t *body;     /* NULL: delete */
};

/* How far a replica has got in what it follows. */
struct storage_position {
    char source[24];  /* which cluster */
    int64_t revision; /* 0: it has never followed any */
};

struct change_set {
    char id[UUID_SIZE];               /* by which a backend recognises its own sets */
    struct storage_position position; /* recorded with the changes; revision 0: none */
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

/* Applies the set to the database, whole or not at all; it is on the disk when this returns, unless it has a
 * position: what was applied since a power cut is followed again. For backends only, from any thread.
 * Concurrent calls share a transaction, so a backend that has many sets to apply may call this from several
 * threads. */
int storage_apply(struct storage *storage, const struct change_set *set, struct error *err);

/* For a backend that follows a cluster, which has checked the expected revision: adds a change that is
 * applied to any, and gives the document the cluster's revision. Takes the reference; NULL deletes. */
void change_set_replicate(struct change_set *set, const char *kind, const char *id, int64_t revision,
                          json_t *body);

/* Fails as storage_apply does if a document is not at its expected revision now; changes nothing. */
int storage_check(struct storage *storage, const struct change_set *set, struct error *err);

/* Zero if nothing was ever recorded, or it was forgotten. */
int storage_read_position(struct storage *storage, struct storage_position *ret, struct error *err);

/* To be called by whoever writes without the cluster. */
int storage_forget_position(struct storage *storage, struct error *err);

/* [{kind, id, revision, text}] of all documents at one moment, with their canonical bodies. */
int storage_list_documents(struct storage *storage, json_t **ret, struct error *err);

#endif
