/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where snapshots come from: one is cached and renewed when the kernel sends uevents, or each request reads a
 * fresh one.
 *
 * On the real host, and never for another sysroot, a thread listens to the kernel's netlink socket of
 * uevents. A burst of events causes one rescan, 20 ms after its last event or 250 ms after its first; a lost
 * event (ENOBUFS) also causes one. Where no events arrive, each inventory_source_get reads the host.
 *
 * The kernel sends PCI events only to network namespaces that belong to the initial user namespace. So a
 * container with a user namespace of its own gets none, although it can open the socket. If it is not certain
 * that events arrive, snapshots are fresh. */
#ifndef HOSTPCI_HARDWARE_PCI_WATCH_H
#define HOSTPCI_HARDWARE_PCI_WATCH_H

#include "hardware/pci/inventory.h"

enum inventory_mode {
    INVENTORY_AUTO,   /* cached if this is the real host and events arrive, else fresh */
    INVENTORY_CACHED, /* scanned once, and again by events or inventory_source_refresh; an error if this is
                       * the real host and its socket cannot be opened */
    INVENTORY_FRESH,  /* scanned by each inventory_source_get */
};

struct inventory_source;

/* `sysroot` must outlive the source. */
int inventory_source_open(const struct sysroot *sysroot, enum inventory_mode mode,
                          struct inventory_source **ret, struct error *err);
void inventory_source_close(struct inventory_source *source); /* takes NULL */

/* The current snapshot; the caller releases it. */
int inventory_source_get(struct inventory_source *source, struct inventory **ret, struct error *err);

/* The generation of what inventory_source_get would return; false if that would read the host. */
bool inventory_source_generation(struct inventory_source *source, uint64_t *ret);

/* Rescans now. To be called after our own writes, before they are reported as done. */
int inventory_source_refresh(struct inventory_source *source, struct error *err);

#endif
