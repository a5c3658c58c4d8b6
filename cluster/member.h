/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of a cluster: which there are, where each answers, and which are online.
 *
 * A node registers in etcd under its name and keeps a lease there; when it does not renew that for
 * MEMBER_LEASE_SECONDS, it is offline, but stays listed. A thread renews, and reads what the others have
 * registered. When that cannot be read, all others count as offline, since nothing is known of them.
 * Thread-safe. */
#ifndef HOSTPCI_CLUSTER_MEMBER_H
#define HOSTPCI_CLUSTER_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "storage/etcd/etcd.h"

#define MEMBER_LEASE_SECONDS 6

/* What a node says of itself; the strings must outlive the members. */
struct member_self {
    const char *name;
    const char *url; /* where others reach it: "https://10.0.0.1:8006" */
    const char
        *fingerprint; /* SHA-256 of its certificate; it also tells a daemon from another one of that name */
    const char *pin;  /* of its certificate's key (cluster/forward.h) */
    const char *version;
    json_t *(*measure)(void *context); /* its load, from time to time; any object */
    void (*each_round)(void *context); /* called by the thread whenever etcd has answered; NULL: nothing */
    void *context;
};

struct members;

/* Tells, from the thread, why this node is not registered; NULL: it is again. */
typedef void members_tell(const char *trouble);

/* Registers this node. ERROR_CONFLICT if another daemon that is online has the name. If etcd cannot be
 * reached the thread does it as soon as it can. */
int members_open(struct etcd *etcd, const struct member_self *self, members_tell *tell, struct members **ret,
                 struct error *err);
void members_close(struct members *members); /* takes NULL; the others see it offline at once */

/* [{name, id, url, fingerprint, pin, version, online, load?}] in order of the names, this one always among
 * them. Each node has another id, from 1 on. The caller drops. */
json_t *members_list(struct members *members);

/* One of them; NULL if there is none. */
json_t *members_find(struct members *members, const char *name);

/* Whether a majority of etcd's members answered within the last seconds. */
bool members_have_quorum(struct members *members);

#endif
