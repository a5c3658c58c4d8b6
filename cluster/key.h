/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of each node's state folder that has the same content on all: the key that tickets are signed with.
 *
 * What the cluster has replaces the file of a node that joins. When a node's file is replaced later, whether
 * its daemon runs or not, all others get it. One thread at a time. */
#ifndef HOSTPCI_CLUSTER_KEY_H
#define HOSTPCI_CLUSTER_KEY_H

#include <stdint.h>

#include "base/error.h"
#include "storage/etcd/etcd.h"

struct shared_key {
    struct etcd *etcd;
    char *path;       /* of the file, which exists; owned */
    int64_t revision; /* of the cluster's, when both were last found equal; begins as 0 */
};

int shared_key_sync(struct shared_key *key, struct error *err);
void shared_key_release(struct shared_key *key);

#endif
