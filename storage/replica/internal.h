/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of storage/replica/ share.
 *
 * Keys in etcd:
 *   /hostpci/cluster              exists when the first node's documents are all there
 *   /hostpci/filling              the node that puts them there, under a lease
 *   /hostpci/document/KIND/ID     a document
 *   /hostpci/writer/NODE/SLOT     the id of the change set that NODE wrote last in this slot
 *   /hostpci/refused/NODE         the id of one that did not find the revisions that it expected
 *
 * A writer has a slot of its own while it writes, and its transaction expects the slot to be as it knows it.
 * So when the outcome is not known, the slot tells it; and a writer who writes to the slot makes sure that
 * the transaction is not carried out later. Every change of documents writes a slot: where no slot was
 * written since a revision, the documents are as they were then. */
#ifndef HOSTPCI_STORAGE_REPLICA_INTERNAL_H
#define HOSTPCI_STORAGE_REPLICA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "storage/commit.h"
#include "storage/replica/replica.h"

#define REPLICA_ROOT          "/hostpci/"
#define REPLICA_CLUSTER       REPLICA_ROOT "cluster"
#define REPLICA_FILLING       REPLICA_ROOT "filling"
#define REPLICA_DOCUMENT      REPLICA_ROOT "document/"
#define REPLICA_AFTER         REPLICA_ROOT "document0" /* comes after all keys of documents */
#define REPLICA_WRITERS       REPLICA_ROOT "writer/"
#define REPLICA_AFTER_WRITERS REPLICA_ROOT "writer0"
#define REPLICA_SLOTS         16
#define REPLICA_WAIT_MS       10000 /* for a change to come back */

struct replica_slot {
    bool taken;
    bool known;       /* its revision is */
    int64_t revision; /* 0: the key does not exist */
};

struct replica {
    struct storage_backend backend; /* first, so that a pointer to it points to the whole */
    struct storage *storage;
    struct etcd *etcd;
    char *node;
    replica_tell *tell;
    pthread_t thread;
    atomic_bool stopping;
    _Atomic long long heard; /* when etcd sent something (clock_milliseconds()) */
    atomic_bool spoke;       /* it has sent something in this stream */
    pthread_mutex_t lock;    /* guards the rest */
    pthread_cond_t changed;  /* applied has grown, or a slot is free */
    struct storage_position applied;
    bool follows;
    struct replica_slot slots[REPLICA_SLOTS];
};

/* Waits until the changes up to the revision are in the database; fails after REPLICA_WAIT_MS. */
int replica_wait(struct replica *replica, int64_t revision, struct error *err);

/* The changes up to there are in the database, and perhaps later ones. */
struct storage_position replica_position(struct replica *replica);

/* The changes up to `position` are in the database. */
void replica_advance(struct replica *replica, const struct storage_position *position);

/* The change of a document's key (value NULL: deleted), added to the set; does nothing for other keys. */
int replica_add_change(struct change_set *set, const struct etcd_item *item, struct error *err);

/* REPLICA_DOCUMENT KIND/ID. The caller frees. */
char *replica_key(const char *kind, const char *id);

/* Makes the database's documents those of etcd, all. */
int replica_read_all(struct replica *replica, struct error *err);

/* Decides what a database that is opened has to do with what etcd has, and brings it up to date as far as the
 * stream of changes cannot. */
int replica_join(struct replica *replica, struct error *err);

void replica_submit(struct storage_backend *self, struct storage *storage, struct change_set *set,
                    commit_done *done, void *context);

#endif
