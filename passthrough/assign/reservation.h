/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VM has which device of this node: reservations of PCI functions ("0000:01:00.0") and of mediated
 * devices (their UUID).
 *
 * A reservation belongs to a VM and to a process: first to the daemon that starts the VM, then to the VM's
 * QEMU. It becomes stale, and no longer counts, as soon as that process is gone (identified by its pid and
 * start time), even if nobody released it; after a reboot all are stale. Each change is one transaction; all
 * functions are thread-safe.
 *
 * storage/reservation.h keeps the rows; which of them are stale is decided here. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_RESERVATION_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_RESERVATION_H

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "hardware/sysfs.h"
#include "storage/reservation.h"
#include "storage/storage.h"

struct reservations {
    struct storage *storage;
    const struct sysroot *sysroot; /* its /proc says which processes exist */
};

/* Reserves all of the items or none, for this process. A VM may take again what it already has. ERROR_BUSY
 * "PCI device 'ID' already in use by VMID 'V'": V is the VM that has the device itself, the function that is
 * its parent, or mediated devices of the function; or, when other VMs have more than `siblings` mediated
 * devices of its parent, one of these VMs. */
int reservations_take(const struct reservations *reservations, long long vmid,
                      const struct reservation *items, size_t count, struct error *err);

/* The same for a VM that runs, whose process it is (0: for this process). */
int reservations_take_for(const struct reservations *reservations, long long vmid, pid_t process,
                          const struct reservation *items, size_t count, struct error *err);

/* From now on the VM's reservations belong to `process`, which is its QEMU. */
int reservations_hand_over(const struct reservations *reservations, long long vmid, pid_t process,
                           struct error *err);

/* Those of one key, or all if that is NULL. */
int reservations_release(const struct reservations *reservations, long long vmid, const char *key,
                         struct error *err);

/* {DEVICE: {vmid, key, state: "starting" | "running", process, parent?, type?}}, without stale reservations.
 */
int reservations_list(const struct reservations *reservations, json_t **ret, struct error *err);

/* Any one of the VM's reservations in such a list, and its device. NULL: it has none, so it neither runs with
 * devices nor is being started with them. */
const json_t *reservations_find(const json_t *reserved, long long vmid, const char **ret_device);

#endif
