/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where snapshots come from: kept and renewed by kernel uevents, or read at each request.
 *
 * On the real host a thread listens to the kernel's uevent netlink socket (never for another sysroot). A
 * burst is coalesced into one rescan 20 ms after its last event, or 250 ms after its first; a lost event
 * (ENOBUFS) causes one too. Where events do not arrive each get reads the host anew.
 *
 * Events arrive when the sysroot is / and our network namespace belongs to the initial user namespace: the
 * kernel sends PCI events to those and to no other. So a container with a user namespace of its own gets none
 * although it can open the socket, and where this cannot be told for certain the answer is fresh. */
#ifndef HOSTPCI_HARDWARE_PCI_WATCH_H
#define HOSTPCI_HARDWARE_PCI_WATCH_H

#include "hardware/pci/inventory.h"

enum inventory_mode {
    INVENTORY_AUTO,   /* cached on the real host where events arrive, else fresh */
    INVENTORY_CACHED, /* scanned once, then by events or inventory_source_refresh; with / the socket must open
                       */
    INVENTORY_FRESH,  /* at each get */
};

struct inventory_source;

/* `sysroot` must outlive the source. */
int inventory_source_open(const struct sysroot *sysroot, enum inventory_mode mode,
                          struct inventory_source **ret, struct error *err);
void inventory_source_close(struct inventory_source *source); /* takes NULL */

/* The current snapshot; the caller releases it. */
int inventory_source_get(struct inventory_source *source, struct inventory **ret, struct error *err);

/* The generation of what _get would return; false if each get reads anew. */
bool inventory_source_generation(struct inventory_source *source, uint64_t *ret);

/* Rescans now: after our own writes, before they are reported done. */
int inventory_source_refresh(struct inventory_source *source, struct error *err);

#endif
