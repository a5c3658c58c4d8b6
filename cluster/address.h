/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where other nodes reach this one. */
#ifndef HOSTPCI_CLUSTER_ADDRESS_H
#define HOSTPCI_CLUSTER_ADDRESS_H

/* The URL that a daemon listens on, with the address by which this host reaches etcd if it listens on all.
 * An etcd on this host itself says nothing of that, unless it is the only one. The caller frees. */
char *address_announce(const char *listened, const char *etcd_endpoints) __attribute__((returns_nonnull));

#endif
