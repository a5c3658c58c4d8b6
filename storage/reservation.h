/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations: which VM holds which device of this node.
 *
 * Like tasks (storage/local.h) they belong to this node alone and are no part of change sets. When one has
 * become void, because its process is gone, is for the caller to find out. They survive the end of the daemon
 * but not a power cut, after which no VM runs. Thread-safe; each change is one transaction.
 *
 * A reservation as JSON is {device, vmid, key, state, process, start, boot, parent?, type?}. */
#ifndef HOSTPCI_STORAGE_RESERVATION_H
#define HOSTPCI_STORAGE_RESERVATION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"

struct reservation {
    const char *device; /* replaces the reservation that the same VM may have of it */
    const char *key;
    const char *parent, *type; /* of a mediated device; NULL: it has none */
    int64_t siblings;          /* how many reservations with this parent other VMs may have at most */
};

/* The VM, and the process that holds the devices for it. */
struct reservation_holder {
    int64_t vmid;
    const char *state;
    int64_t process, start;
    const char *boot;
};

/* Takes all of them or none. The reservations in `void_ones` (an array, as reservation_list gave them) are
 * deleted before, unless they have changed since. ERROR_BUSY "PCI device 'ID' already in use by VMID 'V'" if
 * another VM has the device, its parent, or a device whose parent it is, or if there are more siblings. */
int reservation_take(struct storage *storage, const struct reservation_holder *holder,
                     const struct reservation *items, size_t count, const json_t *void_ones,
                     struct error *err);

/* All reservations of the VM get another holder. */
int reservation_hand_over(struct storage *storage, const struct reservation_holder *holder,
                          struct error *err);

/* Deletes all reservations of the VM. */
int reservation_release(struct storage *storage, int64_t vmid, struct error *err);

/* Array of all reservations, void or not, in order of their devices. */
int reservation_list(struct storage *storage, json_t **ret, struct error *err);

#endif
