/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of several nodes, kept alike through etcd.
 *
 * etcd has each document under a key, and a document's revision is the revision of that key, the same number
 * on every node. A change set is one transaction there, which expects the revisions that the set expects.
 * What etcd has accepted comes to every node, the writer's own too, by the stream of changes, and a thread
 * applies it to the database with storage_apply. A commit returns when its change has come back, so that its
 * caller reads what he wrote. Reads are local, and go on when etcd cannot be reached.
 *
 *  - Without a majority of etcd's members a commit fails at once: REPLICA_NO_QUORUM.
 *  - If etcd does not answer in time, it is found out whether the change was made. If that cannot be found
 *    out either, the error says so; then the change may also be made later.
 *  - A database that was never part of this cluster keeps what it has: the first one fills an empty etcd, and
 *    one that has documents which the cluster does not have is refused. */
#ifndef HOSTPCI_STORAGE_REPLICA_REPLICA_H
#define HOSTPCI_STORAGE_REPLICA_REPLICA_H

#include <stdbool.h>

#include "base/error.h"
#include "storage/etcd/etcd.h"
#include "storage/storage.h"

#define REPLICA_NO_QUORUM "cluster not ready - no quorum?"

struct replica;

/* Tells, from the replica's thread, that etcd cannot be followed and why, or (NULL) that it is followed
 * again. */
typedef void replica_tell(const char *trouble);

/* Brings the database up to date, makes etcd the backend of the storage, and begins to follow it. If etcd
 * cannot be reached this succeeds after a while for a database that was part of the cluster, and fails for
 * one that was not. No other thread may use the storage meanwhile. */
int replica_open(struct storage *storage, struct etcd *etcd, const char *node, replica_tell *tell,
                 struct replica **ret, struct error *err);

/* No commit may be running. The storage must be closed after this. Takes NULL. */
void replica_close(struct replica *replica);

/* Whether what other nodes write arrives here now. */
bool replica_follows(struct replica *replica);

#endif
