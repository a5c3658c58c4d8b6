/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices of this host a VM's hostpciN get.
 *
 * Alternatives of a mapping in their order: the first that still is what the mapping says, that no other VM
 * has, and that no other hostpciN of this VM got. A mediated device: the first parent that has an instance
 * of the type left. `host` is what it says, and is given before mappings choose. Nothing is changed here. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_CHOOSE_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_CHOOSE_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/pci/inventory.h"
#include "hardware/pci/watch.h"
#include "hardware/sysfs.h"
#include "passthrough/assign/reserve.h"
#include "storage/storage.h"
#include "vm/command/command.h"
#include "vm/hostpci.h"

struct choose {
    struct storage *storage;
    const struct sysroot *sysroot;
    const struct inventory *inventory;
    const char *node;
    long long vmid;
    const json_t *config; /* as the next start will see it */
    const json_t *taken;  /* of reserve_list */
    bool on_paper;        /* only to be shown: no IOMMU is needed */
};

/* Fills `inventory` and `taken` with what is there now; the caller drops both. */
int choose_look(struct choose *choose, struct inventory_source *source, struct inventory **ret_inventory,
                json_t **ret_taken, struct error *err);

/* Of one hostpciN. */
struct choice {
    bool configured;
    bool chosen; /* else `failure` says why not */
    struct vm_hostpci hostpci;
    char **ids;              /* functions, 0 first, or a mediated device's parent; ends with NULL */
    char uuid[VM_UUID_SIZE]; /* of a mediated device, else ""; also of a vGPU that is a function itself */
    bool live_migration;
    json_t *refused; /* [{path, reason}]: alternatives that were passed over; NULL if not configured */
    struct error failure;
};

struct choices {
    struct choice list[VM_HOSTPCI];
};
void choices_release(struct choices *choices);
#define autochoices __attribute__((cleanup(choices_release)))

/* Fills each configured hostpciN, also when others fail. -1 only if nothing could be looked at. */
int choose_devices(const struct choose *choose, struct choices *ret, struct error *err);

/* The error of the first hostpciN that got none; 0 if all got theirs. */
int choices_check(const struct choices *choices, struct error *err);

/* For vm_command_build: valid as long as the choices are. */
void choices_to_chosen(const struct choices *choices, struct vm_chosen ret[static VM_HOSTPCI]);

/* Chooses and reserves; when another start was faster it chooses again, until an alternative is had or an
 * error names the winner. `inventory` and `taken` of `choose` are not looked at: they are read anew. */
int choose_and_reserve(const struct choose *choose, struct inventory_source *source, struct choices *ret,
                       struct error *err);

#endif
