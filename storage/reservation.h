/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations: which VM holds which device of this node.
 *
 * Like tasks (storage/local.h) they belong to this node alone and are not part of change sets. The caller
 * finds out which are stale, that is, whose process is gone. They survive the end of the daemon but perhaps
 * not a power cut, after which no VM runs anyway. Thread-safe; each change is one transaction.
 *
 * A reservation as JSON is {device, vmid, key, state, process, start, boot, parent?, type?}. */
#ifndef HOSTPCI_STORAGE_RESERVATION_H
#define HOSTPCI_STORAGE_RESERVATION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"

struct reservation {
    const char *device; /* replaces a reservation of it by the same VM */
    const char *key;
    const char *parent, *type; /* of a mediated device; otherwise NULL */
    int64_t siblings;          /* the most reservations with this parent that other VMs may have */
};

/* The VM, and the process that holds the devices for it. */
struct reservation_holder {
    int64_t vmid;
    const char *state;
    int64_t process, start;
    const char *boot;
};

/* Takes all of the items or none. First it deletes the reservations in `stale` (an array, as reservation_list
 * returned them), except those that have changed since. ERROR_BUSY "PCI device 'ID' already in use by VMID
 * 'V'" if another VM has the device, its parent, or a device whose parent it is, or if there are more
 * siblings. */
int reservation_take(struct storage *storage, const struct reservation_holder *holder,
                     const struct reservation *items, size_t count, const json_t *stale, struct error *err);

/* Gives all reservations of the VM to another holder. */
int reservation_hand_over(struct storage *storage, const struct reservation_holder *holder,
                          struct error *err);

/* Deletes the VM's reservations of one key, or all if that is NULL. */
int reservation_release(struct storage *storage, int64_t vmid, const char *key, struct error *err);

/* Array of all reservations, stale ones too, in order of their devices. */
int reservation_list(struct storage *storage, json_t **ret, struct error *err);

#endif
