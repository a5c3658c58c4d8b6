/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host can assign, and how much of it is free. */
#include "passthrough/assign/availability.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/slice/mdev.h"
#include "hardware/slice/nvidia.h"
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
            return error_set_reason(err, ERROR_FAILED, ASSIGN_TAKEN, "device '%s' assigned more than once",
                                    id);
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
            return error_set_reason(err, ERROR_FAILED, ASSIGN_ABSENT, "no PCI device found for '%s'", *paths);
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

/* What others have or get of the same parent, or of the same card, and the driver does not count yet. */
struct pending {
    long long same, others; /* of the wanted type, at the same parent; all else */
    long long memory;       /* of the others, in MiB */
    bool measured;          /* the memory of all of them is known */
};

static const struct pci_device *find_vgpu(const struct availability *availability, const char *id)
{
    struct pci_address address;
    const struct pci_device *device =
        pci_address_parse(id, &address) ? inventory_find(availability->inventory, address) : NULL;

    return device != NULL && device->nvidia ? device : NULL;
}

static bool share_card(const struct availability *availability, const char *id, const char *other)
{
    const struct pci_device *one = find_vgpu(availability, id), *two = find_vgpu(availability, other);

    return one != NULL && two != NULL && nvidia_share_card(one, two);
}

static const json_t *find_type(const json_t *types, const char *name)
{
    const json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
        if (strcmp(json_text(type, "type"), name) == 0)
            return type;
    return NULL;
}

static long long memory_of(const json_t *type)
{
    return type != NULL ? nvidia_parse_memory(json_text(type, "name")) : 0;
}

bool availability_is_made(const struct availability *availability, const char *name)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(availability->instances, i, instance)
        if (strcmp(json_text_or(instance, "uuid", json_text(instance, "parent")), name) == 0)
            return true;
    return false;
}

/* A place is where something is wanted: {parent, type}. */
static void add_pending(const struct availability *availability, const json_t *types, const json_t *place,
                        const json_t *wanted, struct pending *ret)
{
    const char *parent = json_text(place, "parent"), *own = json_text(wanted, "parent");
    bool same_parent = strcmp(parent, own) == 0;

    if (same_parent && strcmp(json_text(place, "type"), json_text(wanted, "type")) == 0) {
        ret->same++;
    } else if (same_parent || share_card(availability, parent, own)) {
        long long memory = memory_of(find_type(types, json_text(place, "type")));
        ret->others++;
        ret->memory += memory;
        ret->measured = ret->measured && memory > 0;
    }
}

/* What a starting VM has reserved, but not made yet. */
static void add_reserved(const struct availability *availability, const json_t *types, const json_t *wanted,
                         long long but, struct pending *ret)
{
    const char *device;
    const json_t *reservation;

    json_object_foreach(availability->reserved, device, reservation) {
        const char *type = json_text(reservation, "type");
        if (type[0] == '\0' || vm_of(reservation) == but || availability_is_made(availability, device) ||
            strcmp(json_text(reservation, "state"), "starting") != 0)
            continue;
        /* of NVIDIA's own interface the function itself is reserved */
        autojson json_t *place =
            json_pack("{s:s, s:s}", "parent", json_text_or(reservation, "parent", device), "type", type);
        add_pending(availability, types, place, wanted, ret);
    }
}

/* As long as a card is empty, the largest type that its driver offers is all of its memory. */
static long long measure_card(const struct availability *availability, const char *parent,
                              const json_t *types)
{
    const json_t *instance, *type;
    long long largest = 0;
    size_t i;

    json_array_foreach(availability->instances, i, instance)
        if (share_card(availability, json_text(instance, "parent"), parent))
            return 0;
    json_array_foreach(types, i, type)
        if (memory_of(type) > largest)
            largest = memory_of(type);
    return find_vgpu(availability, parent) != NULL ? largest : 0;
}

int availability_count_left(const struct availability *availability, const char *parent, const char *type,
                            long long but, const json_t *given, struct left *ret, struct error *err)
{
    autojson json_t *types = NULL, *wanted = json_pack("{s:s, s:s}", "parent", parent, "type", type);
    struct pending pending = {.measured = true};
    struct pci_address address;
    const json_t *place;
    size_t i;

    if (!pci_address_parse(parent, &address))
        return error_set(err, ERROR_FAILED, "'%s' is not a PCI device", parent);
    if (mdev_list_types(availability->sysroot, address, &types, err) != 0)
        return -1;
    const json_t *row = find_type(types, type);
    *ret = (struct left){.has_type = row != NULL};
    if (row == NULL)
        return 0;
    add_reserved(availability, types, wanted, but, &pending);
    json_array_foreach(given, i, place)
        add_pending(availability, types, place, wanted, &pending);
    long long left = json_integer_value(json_object_get(row, "available")) - pending.same;
    ret->possible = left > 0 ? left : 0;
    ret->sure = pending.others == 0 ? ret->possible : 0;
    ret->memory = measure_card(availability, parent, types);
    ret->taken = pending.measured ? pending.memory : 0;
    if (ret->memory > 0 && ret->taken > 0 && ret->taken + memory_of(row) > ret->memory)
        ret->possible = 0;
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
