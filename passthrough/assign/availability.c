/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host can assign, and how much of it is free. */
#include "passthrough/assign/availability.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/slice/mdev.h"
#include "passthrough/mapping/mapping.h"
#include "schema/format.h"
#include "vm/hostpci.h"
#include "vm/keys.h"

#define FUNCTIONS 8 /* of a device */

static long long vm_of(const json_t *reservation)
{
    return json_integer_value(json_object_get(reservation, "vmid"));
}

int availability_read(const struct reservations *reservations, struct inventory_source *source,
                      struct availability *ret, struct error *err)
{
    autoavailability struct availability read = {.sysroot = reservations->sysroot};

    if (reservations_list(reservations, &read.reserved, err) != 0 ||
        inventory_source_get(source, &read.inventory, err) != 0 ||
        mdev_list_instances(reservations->sysroot, read.inventory, &read.instances, err) != 0)
        return -1;
    *ret = read;
    read = (struct availability){0};
    return 0;
}

void availability_release(struct availability *availability)
{
    inventory_release(availability->inventory);
    json_decref(availability->reserved);
    json_decref(availability->instances);
    *availability = (struct availability){0};
}

int availability_check_entry(const struct availability *availability, const char *mapping,
                             const json_t *entry, struct error *err)
{
    const struct mapping_hardware hardware = {.sysroot = availability->sysroot,
                                              .pci = availability->inventory};

    return mapping_check_entry(&mapping_pci, mapping, entry, &hardware, err);
}

static int add_function(char ***ids, size_t *count, struct pci_address address, struct error *err)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*ids)[i], id) == 0)
            return error_set(err, ERROR_FAILED, "device '%s' assigned more than once", id);
    *ids = xrealloc(*ids, *count + 2, sizeof(**ids));
    (*ids)[(*count)++] = xstrdup(id);
    (*ids)[*count] = NULL;
    return 0;
}

int availability_list_functions(const struct availability *availability, const char *const *paths,
                                char ***ret, struct error *err)
{
    autosplit char **ids = xcalloc(1, sizeof(*ids));
    size_t count = 0;

    for (; *paths != NULL; paths++) {
        bool whole = strchr(*paths, '.') == NULL;
        autofree char *first = xasprintf("%s%s", *paths, whole ? ".0" : "");
        struct pci_address address;
        size_t before = count;
        if (pci_address_parse(first, &address))
            for (unsigned i = 0; i < (whole ? FUNCTIONS : 1); i++, address.function++)
                if (inventory_find(availability->inventory, address) != NULL &&
                    add_function(&ids, &count, address, err) != 0)
                    return -1;
        if (count == before)
            return error_set(err, ERROR_FAILED, "no PCI device found for '%s'", *paths);
    }
    *ret = TAKE(ids);
    return 0;
}

long long availability_find_holder(const struct availability *availability, const char *id, bool as_parent,
                                   long long but)
{
    const char *device;
    const json_t *reservation;

    json_object_foreach(availability->reserved, device, reservation)
        if (vm_of(reservation) != but &&
            (strcmp(device, id) == 0 || (!as_parent && strcmp(json_text(reservation, "parent"), id) == 0)))
            return vm_of(reservation);
    return 0;
}

long long availability_count_siblings(const struct availability *availability, const char *parent,
                                      long long but)
{
    const char *device;
    const json_t *reservation;
    long long count = 0;

    json_object_foreach(availability->reserved, device, reservation)
        count += strcmp(json_text(reservation, "parent"), parent) == 0 && vm_of(reservation) != but;
    return count;
}

const json_t *availability_find_instance(const struct availability *availability, const char *uuid)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(availability->instances, i, instance)
        if (strcmp(json_text(instance, "uuid"), uuid) == 0)
            return instance;
    return NULL;
}

int availability_count_left(const struct availability *availability, const char *parent, const char *type,
                            long long but, long long *ret, struct error *err)
{
    autojson json_t *types = NULL;
    const json_t *row, *reservation;
    struct pci_address address;
    const char *device;
    long long left = -1;
    size_t i;

    if (!pci_address_parse(parent, &address))
        return error_set(err, ERROR_FAILED, "'%s' is not a PCI device", parent);
    if (mdev_list_types(availability->sysroot, address, &types, err) != 0)
        return -1;
    json_array_foreach(types, i, row)
        if (strcmp(json_text(row, "type"), type) == 0)
            left = json_integer_value(json_object_get(row, "available"));
    if (left < 0) {
        *ret = -1;
        return 0;
    }
    /* the kernel does not count what a starting VM has reserved, but not created yet */
    json_object_foreach(availability->reserved, device, reservation)
        left -= strcmp(json_text(reservation, "parent"), parent) == 0 &&
                strcmp(json_text(reservation, "type"), type) == 0 && vm_of(reservation) != but &&
                strcmp(json_text(reservation, "state"), "starting") == 0 &&
                availability_find_instance(availability, device) == NULL;
    *ret = left > 0 ? left : 0;
    return 0;
}

/* The VM in a name that vm_hostpci_uuid made; 0 if the name is another one. */
static long long parse_owner(const char *uuid)
{
    unsigned index, vmid;
    char again[VM_UUID_SIZE];

    if (sscanf(uuid, "%8u-0000-0000-0000-%12u", &index, &vmid) != 2 || index >= VM_HOSTPCI ||
        vmid < VM_ID_MIN || vmid > VM_ID_MAX)
        return 0;
    vm_hostpci_uuid(index, vmid, again);
    return strcmp(again, uuid) == 0 ? vmid : 0;
}

long long availability_find_owner(const json_t *reserved, const char *uuid)
{
    const json_t *reservation = json_object_get(reserved, uuid);

    return reservation != NULL ? vm_of(reservation) : parse_owner(uuid);
}
