/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations: which VM has which device of this node. Like tasks (storage/local.h) they are this node's
 * alone and no part of change sets. What makes one void is the caller's to know; here each change is one
 * transaction. They survive the daemon, not a power cut, after which no VM runs. Thread-safe.
 *
 * A reservation as JSON: {device, vmid, key, state, process, start, boot, parent?, type?}. */
#ifndef HOSTPCI_STORAGE_RESERVATION_H
#define HOSTPCI_STORAGE_RESERVATION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"

struct reservation {
    const char *device; /* whose it is; a VM's own one is replaced */
    const char *key;
    const char *parent, *type; /* NULL: none */
    int64_t siblings;          /* with a parent: how many of other VMs it may have at most by now */
};

/* For whom: the VM, and the process that holds it. */
struct reservation_holder {
    int64_t vmid;
    const char *state;
    int64_t process, start;
    const char *boot;
};

/* All of them or none. `void_ones` (an array of reservations as they were listed) are forgotten before, those
 * of them that are still the same. ERROR_BUSY "PCI device 'ID' already in use by VMID 'V'" if another VM has
 * the device, its parent, or a device whose parent it is, or if the parent has got more siblings. */
int reservation_take(struct storage *storage, const struct reservation_holder *holder,
                     const struct reservation *items, size_t count, const json_t *void_ones,
                     struct error *err);

/* All of the VM get another holder. */
int reservation_hand_over(struct storage *storage, const struct reservation_holder *holder,
                          struct error *err);

/* All of the VM are forgotten. */
int reservation_release(struct storage *storage, int64_t vmid, struct error *err);

/* All, void or not, in order of their devices. */
int reservation_list(struct storage *storage, json_t **ret, struct error *err);

#endif
