/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/mdev and POST .../hardware/pci/{id}/mdev: mediated devices, and the functions that
 * are vGPUs by NVIDIA's own interface, which have no UUID and are named by their PCI ids. */
#include <string.h>

#include "api/endpoints.h"
#include "api/hardware/state.h"
#include "api/hardware/task.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "hardware/slice/mdev.h"
#include "hardware/slice/mdevctl.h"
#include "passthrough/assign/mediated.h"
#include "passthrough/assign/reservation.h"

static int list_mdev(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const struct reservations reservations = {service->storage, service->sysroot};

    return mediated_list(&reservations, service->inventory, service->broker, ret, err);
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

static int delete_mdev(struct request *request, json_t **ret, struct error *err)
{
    const struct reservations reservations = {request->service->storage, request->service->sysroot};
    const char *given = param_string(request, "uuid");
    autojson json_t *reserved = NULL;
    char uuid[UUID_SIZE], parent[PCI_ADDRESS_SIZE];
    struct pci_address address;
    bool is_mdev = mdev_parse_uuid(given, uuid);

    if (is_mdev &&
        mediated_find_parent(request->service->sysroot, request->service->inventory, uuid, parent, err) != 0)
        return -1;
    if (!is_mdev && pci_address_parse(given, &address))
        pci_address_format(address, parent);
    if (reservations_list(&reservations, &reserved, err) != 0 ||
        refuse_reserved(reserved, is_mdev ? uuid : parent, err) != 0)
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
