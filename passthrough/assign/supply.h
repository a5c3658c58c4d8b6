/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to be had on this host: the functions that a path stands for, who has them, and how many
 * mediated devices are left. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_SUPPLY_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_SUPPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "hardware/pci/inventory.h"
#include "hardware/sysfs.h"

/* As seen at one moment. */
struct supply {
    const struct sysroot *sysroot;
    const struct inventory *inventory;
    const json_t *taken;     /* of reserve_list */
    const json_t *instances; /* of mdev_list_instances */
};

/* Whether the hardware still is what the entry of a PCI mapping says; the error is mapping_check's. */
int supply_check_entry(const struct supply *supply, const char *mapping, const json_t *entry,
                       struct error *err);

/* The ids of all functions that the paths (each "0000:01:00.0", or a slot "0000:01:00") stand for, in their
 * order, function 0 of a slot first. Errors: "no PCI device found for 'ID'", "device 'ID' assigned more than
 * once". The caller frees with format_free_list. */
int supply_list_functions(const struct supply *supply, const char *const *paths, char ***ret,
                          struct error *err);

/* The VM other than `but` that has the function; 0 if none. Unless `shared`, one that has a mediated device
 * of it counts too. */
long long supply_find_holder(const struct supply *supply, const char *id, bool shared, long long but);

/* How many of its mediated devices other VMs have reserved. */
long long supply_count_siblings(const struct supply *supply, const char *parent, long long but);

/* How many instances of the type VMs other than `but` have left at the parent: what the kernel says less what
 * is reserved and not made yet. 0 if it does not have the type. */
int supply_count_left(const struct supply *supply, const char *parent, const char *type, long long but,
                      long long *ret, struct error *err);

/* The mediated device of that name among the instances; NULL if there is none. Borrowed. */
const json_t *supply_find_instance(const struct supply *supply, const char *uuid);

/* The VM of a mediated device: who reserved it, or for whom its name was made (vm_hostpci_uuid); 0 if none.
 */
long long supply_find_owner(const json_t *taken, const char *uuid);

#endif
