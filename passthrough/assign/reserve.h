/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a device: reservations of this node, for PCI functions ("0000:01:00.0") and mediated devices (their
 * UUID).
 *
 * A reservation belongs to a VM and to a process: the daemon that starts the VM, then the VM's own. When
 * that process is gone (its pid, and when it started) the reservation is void, whoever forgot to give it
 * back; after a reboot none is left. All functions are thread-safe, and each change is one transaction. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_RESERVE_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_RESERVE_H

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "hardware/sysfs.h"
#include "storage/storage.h"

struct reserve {
    struct storage *storage;
    const struct sysroot *sysroot; /* for /proc: which processes are there */
};

struct reserve_item {
    const char *device; /* a function's id or a mediated device's UUID */
    const char *key;    /* "hostpci0" */
    const char *parent; /* of a mediated device, with its type; else NULL */
    const char *type;
    long long siblings; /* with a parent: how many of its mediated devices other VMs have, as it was chosen */
};

/* All of them or none, for this process. ERROR_BUSY "PCI device 'ID' already in use by VMID 'V'" names the
 * one who has it: the device itself, the function that is its parent, or mediated devices of the function;
 * or who got one more of its parent's than `siblings`. A VM may take again what it has itself. */
int reserve_take(const struct reserve *reserve, long long vmid, const struct reserve_item *items,
                 size_t count, struct error *err);

/* The VM runs as `process` now. */
int reserve_hand_over(const struct reserve *reserve, long long vmid, pid_t process, struct error *err);

int reserve_release(const struct reserve *reserve, long long vmid, struct error *err);

/* {DEVICE: {vmid, key, state: "starting" | "running", process, parent?, type?}} of those that are not void.
 */
int reserve_list(const struct reserve *reserve, json_t **ret, struct error *err);

/* One of the VM in such a list, and its device; NULL: it has none, so it neither runs nor is being started.
 */
const json_t *reserve_find(const json_t *list, long long vmid, const char **ret_device);

#endif
