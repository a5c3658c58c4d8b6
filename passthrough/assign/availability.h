/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host can assign, and how much of it is free.
 *
 * A snapshot: all four parts are read once, by availability_read, and do not change afterwards, so that its
 * answers are consistent. By the time that an answer is used it may be wrong, since another VM may
 * have reserved the device: only reservations_take decides.
 *
 * In all functions `but` is the VM for which they are called, whose own reservations do not count; 0: no VM.
 */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_AVAILABILITY_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_AVAILABILITY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "hardware/pci/inventory.h"
#include "hardware/pci/watch.h"
#include "passthrough/assign/reservation.h"

struct availability {
    const struct sysroot *sysroot;
    struct inventory *inventory;
    json_t *reserved;  /* as reservations_list gives it */
    json_t *instances; /* the mediated devices that exist, as mdev_list_instances lists them */
};

int availability_read(const struct reservations *reservations, struct inventory_source *source,
                      struct availability *ret, struct error *err);
void availability_release(struct availability *availability);
#define autoavailability __attribute__((cleanup(availability_release)))

/* Whether the hardware still is what the entry of a PCI mapping says; the error is mapping_check_entry's. */
int availability_check_entry(const struct availability *availability, const char *mapping,
                             const json_t *entry, struct error *err);

/* The ids of all functions that the paths name ("0000:01:00.0", or "0000:01:00" for all of a device), in the
 * order of the paths, function 0 first. Errors: "no PCI device found for 'ID'", "device 'ID' assigned more
 * than once". The caller frees with format_free_list. */
int availability_list_functions(const struct availability *availability, const char *const *paths,
                                char ***ret, struct error *err);

/* The VM that has the function reserved; 0 if none has. A VM that has a mediated device of it counts too,
 * unless the function is only wanted as a parent, since it can be that for several VMs. */
long long availability_find_holder(const struct availability *availability, const char *id, bool as_parent,
                                   long long but);

/* How many of the parent's mediated devices are reserved for other VMs. */
long long availability_count_siblings(const struct availability *availability, const char *parent,
                                      long long but);

/* How many instances of the type are left at the parent: as many as the kernel says, less those that are
 * reserved for other VMs and not made yet. -1 if the parent does not have the type. */
int availability_count_left(const struct availability *availability, const char *parent, const char *type,
                            long long but, long long *ret, struct error *err);

/* The mediated device of that name; NULL if there is none. Borrowed. */
const json_t *availability_find_instance(const struct availability *availability, const char *uuid);

/* The VM that a mediated device is for: the one that has it reserved, or else the one that it is named after
 * (vm_hostpci_uuid); 0 if neither is known. */
long long availability_find_owner(const json_t *reserved, const char *uuid);

#endif
