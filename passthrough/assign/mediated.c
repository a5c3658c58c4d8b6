/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices and vGPUs with those who have them. */
#include "passthrough/assign/mediated.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/protocol.h"
#include "hardware/slice/mdev.h"
#include "hardware/slice/mdevctl.h"
#include "passthrough/assign/availability.h"

/* Who has which mediated device, and which ones are persistent. */
struct sight {
    json_t *instances, *files; /* see mdev_list_instances, mdevctl_list */
    json_t *reserved;          /* see reservations_list */
    json_t *holders;           /* {UUID or PCI id: text}; NULL: unknown, as there is no broker */
    json_t *functions;         /* {PCI id: {kind: fact}}; NULL: likewise */
    struct inventory *inventory;
};

static void release_sight(struct sight *sight)
{
    json_t *const all[] = {sight->instances, sight->files, sight->reserved, sight->holders, sight->functions};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        json_decref(all[i]);
    inventory_release(sight->inventory);
}
#define autosight __attribute__((cleanup(release_sight)))

static int look(const struct sysroot *sysroot, struct inventory_source *inventory, struct sight *ret,
                struct error *err)
{
    if (inventory_source_get(inventory, &ret->inventory, err) != 0 ||
        mdev_list_instances(sysroot, ret->inventory, &ret->instances, err) != 0)
        return -1;
    return mdevctl_list(sysroot, &ret->files, err);
}

/* A member of the broker's answer to an operation without arguments; NULL without a broker. */
static json_t *ask(const struct broker *broker, const char *operation, const char *member)
{
    autojson json_t *answer = NULL;
    struct error err;

    if (broker_call(broker, operation, NULL, json_object(), NULL, NULL, &answer, &err) != 0)
        return NULL;
    return json_incref(json_object_get(answer, member));
}

static bool is_started(const json_t *file)
{
    return strcmp(json_text(file, "start"), "auto") == 0;
}

static json_t *find_file(const struct sight *sight, const char *parent, const char *uuid)
{
    json_t *file;
    size_t i;

    json_array_foreach(sight->files, i, file)
        if (strcmp(json_text(file, "uuid"), uuid) == 0 && strcmp(json_text(file, "parent"), parent) == 0)
            return file;
    return NULL;
}

/* Whether a vGPU's type is persistent for the card that is in the slot now. */
static bool is_kept(const struct sight *sight, const char *function)
{
    struct pci_address address;
    const struct pci_device *device =
        pci_address_parse(function, &address) ? inventory_find(sight->inventory, address) : NULL;

    return device != NULL &&
           protocol_find_fact(json_object_get(sight->functions, function), "vgpu", device) != NULL;
}

static json_t *describe_instance(const struct sight *sight, const json_t *instance)
{
    const char *parent = json_text(instance, "parent"), *uuid = json_text_or(instance, "uuid", NULL);
    const char *id = uuid != NULL ? uuid : parent;
    const json_t *file = uuid != NULL ? find_file(sight, parent, uuid) : NULL;
    json_t *row = json_copy((json_t *)(uintptr_t)instance), *holder = json_object_get(sight->holders, id);
    long long vmid = availability_find_owner(sight->reserved, id);
    bool idle = sight->holders != NULL && holder == NULL && json_object_get(sight->reserved, id) == NULL;

    json_object_set_new(row, "id", json_string(id));
    json_object_set_new(row, "state", json_string(vmid != 0 && idle && file == NULL ? "leftover" : "active"));
    if (uuid != NULL ? is_started(file) : is_kept(sight, parent))
        json_object_set_new(row, "persistent", json_integer(1));
    if (vmid != 0)
        json_object_set_new(row, "vmid", json_integer(vmid));
    if (holder != NULL)
        json_object_set(row, "holder", holder);
    return row;
}

static bool exists(const struct sight *sight, const json_t *file)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(sight->instances, i, instance)
        if (strcmp(json_text(instance, "uuid"), json_text(file, "uuid")) == 0 &&
            strcmp(json_text(instance, "parent"), json_text(file, "parent")) == 0)
            return true;
    return false;
}

static json_t *describe_file(const json_t *file)
{
    json_t *row = json_copy((json_t *)(uintptr_t)file);

    json_object_set(row, "id", json_object_get(file, "uuid"));
    json_object_set_new(row, "state", json_string("defined"));
    if (is_started(file))
        json_object_set_new(row, "persistent", json_integer(1));
    json_object_del(row, "start");
    return row;
}

int mediated_list(const struct reservations *reservations, struct inventory_source *inventory,
                  const struct broker *broker, json_t **ret, struct error *err)
{
    autosight struct sight sight = {.holders = NULL};
    autojson json_t *list = json_array();
    const json_t *item;
    size_t i;

    if (look(reservations->sysroot, inventory, &sight, err) != 0 ||
        reservations_list(reservations, &sight.reserved, err) != 0)
        return -1;
    if (json_array_size(sight.instances) > 0) { /* otherwise there is nothing to ask about */
        sight.holders = ask(broker, "describe-mdev", "holders");
        sight.functions = ask(broker, "state", "functions");
    }
    json_array_foreach(sight.instances, i, item)
        json_array_append_new(list, describe_instance(&sight, item));
    json_array_foreach(sight.files, i, item)
        if (!exists(&sight, item))
            json_array_append_new(list, describe_file(item));
    *ret = TAKE(list);
    return 0;
}

/* Of one that exists or has a file; NULL: there is none. */
static const char *find_parent(const struct sight *sight, const char *uuid)
{
    const json_t *const lists[] = {sight->instances, sight->files};
    const json_t *row;
    size_t i;

    for (size_t k = 0; k < COUNT_OF(lists); k++)
        json_array_foreach(lists[k], i, row)
            if (strcmp(json_text(row, "uuid"), uuid) == 0)
                return json_text(row, "parent");
    return NULL;
}

int mediated_find_parent(const struct sysroot *sysroot, struct inventory_source *inventory, const char *uuid,
                         char parent[static PCI_ADDRESS_SIZE], struct error *err)
{
    autosight struct sight sight = {.holders = NULL};

    if (look(sysroot, inventory, &sight, err) != 0)
        return -1;
    const char *found = find_parent(&sight, uuid);
    if (found == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "no mediated device '%s' exists, and none is kept in /" ETC_MDEVCTL, uuid);
    snprintf(parent, PCI_ADDRESS_SIZE, "%s", found);
    return 0;
}
