/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to be had on this host. */
#include "passthrough/assign/supply.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/slice/mdev.h"
#include "passthrough/mapping/mapping.h"
#include "schema/format.h"
#include "vm/hostpci.h"
#include "vm/keys.h"

#define FUNCTIONS 8 /* of a slot */

static long long vm_of(const json_t *reservation)
{
    return json_integer_value(json_object_get(reservation, "vmid"));
}

int supply_check_entry(const struct supply *supply, const char *mapping, const json_t *entry,
                       struct error *err)
{
    const struct mapping_hardware hardware = {.pci = (struct inventory *)supply->inventory};
    autojson json_t *body = json_pack("{s:[O]}", "map", entry);
    autojson json_t *checks = mapping_check(&mapping_pci, mapping, body, json_text(entry, "node"), &hardware);

    if (json_array_size(checks) == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "%s", json_text(json_array_get(checks, 0), "message"));
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

static int add_path(const struct inventory *inventory, const char *path, char ***ids, size_t *count,
                    struct error *err)
{
    bool whole = strchr(path, '.') == NULL;
    autofree char *first = xasprintf("%s%s", path, whole ? ".0" : "");
    struct pci_address address;
    size_t before = *count;

    if (pci_address_parse(first, &address))
        for (unsigned i = 0; i < (whole ? FUNCTIONS : 1); i++, address.function++)
            if (inventory_find(inventory, address) != NULL && add_function(ids, count, address, err) != 0)
                return -1;
    if (*count == before)
        return error_set(err, ERROR_FAILED, "no PCI device found for '%s'", path);
    return 0;
}

int supply_list_functions(const struct supply *supply, const char *const *paths, char ***ret,
                          struct error *err)
{
    autosplit char **ids = xcalloc(1, sizeof(*ids));
    size_t count = 0;

    for (; *paths != NULL; paths++)
        if (add_path(supply->inventory, *paths, &ids, &count, err) != 0)
            return -1;
    *ret = TAKE(ids);
    return 0;
}

long long supply_find_holder(const struct supply *supply, const char *id, bool shared, long long but)
{
    const char *device;
    const json_t *reservation;

    json_object_foreach((json_t *)supply->taken, device, reservation)
        if (vm_of(reservation) != but &&
            (strcmp(device, id) == 0 || (!shared && strcmp(json_text(reservation, "parent"), id) == 0)))
            return vm_of(reservation);
    return 0;
}

long long supply_count_siblings(const struct supply *supply, const char *parent, long long but)
{
    const char *device;
    const json_t *reservation;
    long long count = 0;

    json_object_foreach((json_t *)supply->taken, device, reservation)
        count += strcmp(json_text(reservation, "parent"), parent) == 0 && vm_of(reservation) != but;
    return count;
}

const json_t *supply_find_instance(const struct supply *supply, const char *uuid)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(supply->instances, i, instance)
        if (strcmp(json_text(instance, "uuid"), uuid) == 0)
            return instance;
    return NULL;
}

/* The kernel does not count them yet. */
static long long count_unmade(const struct supply *supply, const char *parent, const char *type,
                              long long but)
{
    const char *device;
    const json_t *reservation;
    long long count = 0;

    json_object_foreach((json_t *)supply->taken, device, reservation)
        count += strcmp(json_text(reservation, "parent"), parent) == 0 &&
                 strcmp(json_text(reservation, "type"), type) == 0 && vm_of(reservation) != but &&
                 strcmp(json_text(reservation, "state"), "starting") == 0 &&
                 supply_find_instance(supply, device) == NULL;
    return count;
}

static long long find_available(const json_t *types, const char *type)
{
    const json_t *row;
    size_t i;

    json_array_foreach(types, i, row)
        if (strcmp(json_text(row, "type"), type) == 0)
            return json_integer_value(json_object_get(row, "available"));
    return 0;
}

int supply_count_left(const struct supply *supply, const char *parent, const char *type, long long but,
                      long long *ret, struct error *err)
{
    autojson json_t *types = NULL;
    struct pci_address address;

    if (!pci_address_parse(parent, &address))
        return error_set(err, ERROR_FAILED, "'%s' is no PCI device", parent);
    if (mdev_list_types(supply->sysroot, address, &types, err) != 0)
        return -1;
    long long left = find_available(types, type) - count_unmade(supply, parent, type, but);
    *ret = left > 0 ? left : 0;
    return 0;
}

/* What vm_hostpci_uuid makes. */
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

long long supply_find_owner(const json_t *taken, const char *uuid)
{
    const json_t *reservation = json_object_get(taken, uuid);

    return reservation != NULL ? vm_of(reservation) : parse_owner(uuid);
}
