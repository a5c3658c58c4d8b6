/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/mdev and POST .../hardware/pci/{id}/mdev: mediated devices, and the functions that
 * are vGPUs by NVIDIA's own interface, which have no UUID and are named by their PCI ids. */
#include <string.h>

#include "api/endpoints.h"
#include "api/hardware/state.h"
#include "api/hardware/task.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "broker/protocol.h"
#include "hardware/slice/mdev.h"
#include "hardware/slice/mdevctl.h"
#include "passthrough/assign/availability.h"
#include "passthrough/assign/reservation.h"

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

static int look(struct request *request, struct sight *ret, struct error *err)
{
    const struct reservations reservations = {request->service->storage, request->service->sysroot};

    if (inventory_source_get(request->service->inventory, &ret->inventory, err) != 0 ||
        mdev_list_instances(request->service->sysroot, ret->inventory, &ret->instances, err) != 0 ||
        mdevctl_list(request->service->sysroot, &ret->files, err) != 0)
        return -1;
    return reservations_list(&reservations, &ret->reserved, err);
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

static int list_mdev(struct request *request, json_t **ret, struct error *err)
{
    autosight struct sight sight = {.holders = NULL};
    autojson json_t *list = json_array();
    const json_t *item;
    size_t i;

    if (look(request, &sight, err) != 0)
        return -1;
    if (json_array_size(sight.instances) > 0) { /* otherwise there is nothing to ask about */
        sight.holders = ask(request->service->broker, "describe-mdev", "holders");
        sight.functions = ask(request->service->broker, "state", "functions");
    }
    json_array_foreach(sight.instances, i, item)
        json_array_append_new(list, describe_instance(&sight, item));
    json_array_foreach(sight.files, i, item)
        if (!exists(&sight, item))
            json_array_append_new(list, describe_file(item));
    *ret = TAKE(list);
    return 0;
}

const struct endpoint endpoint_list_mdev = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/mdev",
    .text = "Lists the mediated devices that exist or are kept in /" ETC_MDEVCTL
            ", and the functions that are vGPUs through NVIDIA's own interface.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no mediated devices.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "id",
                        .type = SCHEMA_STRING,
                        .text = "What DELETE takes: its UUID, or for a vGPU its function's PCI id."},
                       OPTIONAL_TEXT("uuid", "Absent for a vGPU through NVIDIA's own interface."),
                       OPTIONAL_TEXT("parent",
                                     "PCI id of the device that it is a part of; for a vGPU its own."),
                       OPTIONAL_TEXT("type", "Name of its type."),
                       {.name = "state",
                        .type = SCHEMA_STRING,
                        .values = VALUES("active", "defined", "leftover"),
                        .text =
                            "active: it exists; defined: it does not exist now, but its mdevctl file does; "
                            "leftover: it was created for a VM that does not run, and nobody uses it."},
                       OPTIONAL_FLAG("persistent", "Present if it is created at each start of the host."),
                       OPTIONAL_NUMBER("vmid", "The VM that it was created for."),
                       OPTIONAL_TEXT("holder", "The process that has it open, and its pid."),
                       OPTIONAL_TEXT("error", "Why its mdevctl file cannot be used.")))},
    .may_block = true,
    .on_node = true,
    .run = list_mdev,
};

static int refuse_reserved(const json_t *reserved, const char *id, struct error *err)
{
    const json_t *reservation = json_object_get(reserved, id);

    if (reservation == NULL)
        return 0;
    return error_set(err, ERROR_BUSY, "'%s' is in use by VMID '%lld', which is %s: stop that VM first", id,
                     (long long)json_integer_value(json_object_get(reservation, "vmid")),
                     json_text(reservation, "state"));
}

static int create_mdev(struct request *request, json_t **ret, struct error *err)
{
    const struct reservations reservations = {request->service->storage, request->service->sysroot};
    autojson json_t *reserved = NULL;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(param_pci_address(request), id);
    if (reservations_list(&reservations, &reserved, err) != 0 || refuse_reserved(reserved, id, err) != 0)
        return -1;
    return hardware_begin_task(request, "mdevcreate", &operation_mdev_create, ret, err);
}

const struct endpoint endpoint_create_mdev = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev",
    .text = "Creates a mediated device, or makes a virtual function of an NVIDIA card a vGPU of the type. If "
            "a step "
            "fails, the steps before it are undone.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID,
                             {.name = NULL, .more = operation_mdev_create_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = create_mdev,
};

/* The parent of a mediated device that exists or has a file. */
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

static int delete_mdev(struct request *request, json_t **ret, struct error *err)
{
    const char *given = param_string(request, "uuid");
    autosight struct sight sight = {.holders = NULL};
    char uuid[UUID_SIZE], id[PCI_ADDRESS_SIZE];
    struct pci_address address;
    bool is_mdev = mdev_parse_uuid(given, uuid);

    if (look(request, &sight, err) != 0)
        return -1;
    if (!is_mdev && pci_address_parse(given, &address))
        pci_address_format(address, id);
    const char *parent = is_mdev ? find_parent(&sight, uuid) : id;
    if (parent == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "no mediated device '%s' exists, and none is kept in /" ETC_MDEVCTL, uuid);
    if (refuse_reserved(sight.reserved, is_mdev ? uuid : id, err) != 0)
        return -1;
    json_t *arguments = json_pack("{s:s, s:b}", "id", parent, "keep", param_boolean(request, "keep"));
    if (is_mdev)
        json_object_set_new(arguments, "uuid", json_string(uuid));
    return hardware_begin_task_on(request, "mdevremove", parent, &operation_mdev_remove, arguments, ret, err);
}

const struct endpoint endpoint_delete_mdev = {
    .method = METHOD_DELETE,
    .path = "/nodes/{node}/hardware/mdev/{uuid}",
    .text = "Removes a mediated device and its mdevctl file, or the vGPU type of a function. Refused while a "
            "VM or another process has it.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE,
                   {.name = "uuid",
                    .type = SCHEMA_STRING,
                    .format = "mdev-id",
                    .text = "UUID of the mediated device, or PCI id of the function that is a vGPU."},
                   {.name = NULL, .more = operation_mdev_remove_arguments + 2}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = delete_mdev,
};
