/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci/{id}/capacity: how much of it is there, and how much is free. */
#include "api/cluster/mapping.h"
#include "base/memory.h"
#include "hardware/slice/mdev.h"
#include "passthrough/assign/capacity.h"
#include "passthrough/assign/reserve.h"

static int get_capacity(struct request *request, json_t **ret, struct error *err)
{
    struct service *service = request->service;
    const struct reserve reserve = {service->storage, service->sysroot};
    const char *id = param_string(request, "id");
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *body = NULL, *taken = NULL, *instances = NULL;

    if (object_read(service->storage, mapping_pci.document, id, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "mapping '%s' not found", id)
                                            : -1;
    if (inventory_source_get(service->inventory, &inventory, err) != 0 ||
        reserve_list(&reserve, &taken, err) != 0 ||
        mdev_list_instances(service->sysroot, &instances, err) != 0)
        return -1;
    const struct capacity capacity = {
        .supply = {service->sysroot, inventory, taken, instances},
        .node = service->node,
        .mapping = id,
        .body = body,
        .mdev = param_string(request, "mdev"),
    };
    return capacity_list(&capacity, ret, err);
}

static const struct schema use_properties[] = {
    {.name = "path",
     .type = SCHEMA_STRING,
     .text = "As the mapping names it; with mdev: PCI id of the parent."},
    OPTIONAL_NUMBER("vmid", "The VM that has it; left out if it is not known."),
    {.name = NULL},
};

const struct endpoint endpoint_get_mapping_capacity = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci/{id}/capacity",
    .text = "How many devices of a PCI mapping there are on each node, how many of them are free, and which "
            "VMs have the others.",
    .permission = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Use"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Audit")),
    .parameters =
        PROPERTIES(PARAMETER_MAPPING_ID, {.name = "mdev",
                                          .type = SCHEMA_STRING,
                                          .optional = true,
                                          .max_length = 128,
                                          .pattern = "[^/.:]+",
                                          .text = "Count mediated devices of this type, not devices."}),
    .returns =
        {.type = SCHEMA_ARRAY,
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "node", .type = SCHEMA_STRING},
                       {.name = "online", .type = SCHEMA_BOOLEAN, .text = "Its hardware could be looked at."},
                       {.name = "total",
                        .type = SCHEMA_INTEGER,
                        .text = "Alternatives in the mapping; with mdev: free and used (0 if not online)."},
                       {.name = "free",
                        .type = SCHEMA_INTEGER,
                        .text = "That a VM could get now: still as mapped, and no other VM's."},
                       {.name = "used",
                        .type = SCHEMA_ARRAY,
                        .items = ITEMS(.type = SCHEMA_OBJECT, .properties = use_properties)}))},
    .may_block = true,
    .run = get_capacity,
};
