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

/* Why a hostpciN does not get a device: the reason of its error. */
enum assign_refusal {
    ASSIGN_FAILED,     /* none of these: the message alone says why */
    ASSIGN_ABSENT,     /* there is no such function, mapping or alternative on this node */
    ASSIGN_CHANGED,    /* it is not what the mapping says */
    ASSIGN_TAKEN,      /* another VM, or another hostpciN of this one, has it */
    ASSIGN_NO_TYPE,    /* the parent does not have the type of mediated device */
    ASSIGN_NONE_LEFT,  /* ... or nothing of it is left */
    ASSIGN_NAME_TAKEN, /* a mediated device of the needed name exists, and is not the wanted one */
    ASSIGN_NO_IOMMU,
};

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

/* What is left of a type of mediated device at a parent: as many as the kernel says, less those that are
 * reserved for other VMs or given by the caller, and not made yet. */
struct left {
    bool has_type;      /* if not, nothing is left */
    long long sure;     /* these can be made */
    long long possible; /* and these may be: the types of a parent share what it has, and so do the vGPUs of
                         * an NVIDIA card, so that one that is to be made can take what another needs */
    long long memory, taken; /* MiB of such a card, and of what is to be made; 0: not known */
};

/* `given`: [{parent, type}], what the caller has given to others, and is not made yet. */
int availability_count_left(const struct availability *availability, const char *parent, const char *type,
                            long long but, const json_t *given, struct left *ret, struct error *err);

/* The mediated device of that name; NULL if there is none. Borrowed. */
const json_t *availability_find_instance(const struct availability *availability, const char *uuid);

/* Whether there is a mediated device of that name, or the function of that id is a vGPU now. */
bool availability_is_made(const struct availability *availability, const char *name);

/* The VM that a mediated device is for: the one that has it reserved, or else the one that it is named after
 * (vm_hostpci_uuid); 0 if neither is known. */
long long availability_find_owner(const json_t *reserved, const char *uuid);

#endif
