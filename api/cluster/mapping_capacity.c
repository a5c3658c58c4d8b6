/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci/{id}/capacity: how many of a mapping's devices exist and how many are free. */
#include "api/cluster/mapping.h"
#include "base/memory.h"
#include "passthrough/assign/capacity.h"

static int get_capacity(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const struct reservations reservations = {service->storage, service->sysroot};
    autoavailability struct availability availability = {0};
    autojson json_t *body = NULL;

    if (mapping_read_document(request, &mapping_pci, &body, err) != 0 ||
        availability_read(&reservations, service->inventory, &availability, err) != 0)
        return -1;
    const struct capacity capacity = {
        .availability = &availability,
        .node = service->node,
        .mapping = param_string(request, "id"),
        .body = body,
        .mdev = param_string(request, "mdev"),
    };
    return capacity_list(&capacity, ret, err);
}

static const struct schema use_properties[] = {
    {.name = "path",
     .type = SCHEMA_STRING,
     .text = "The path in the mapping; with mdev: PCI id of the parent device."},
    OPTIONAL_NUMBER("vmid", "The VM that has it; left out if unknown."),
    {.name = NULL},
};

const struct endpoint endpoint_get_mapping_capacity = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci/{id}/capacity",
    .text = "Shows how many devices of a PCI mapping each node has, how many of them are free, and which VMs "
            "have the others.",
    .permission = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Use"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Audit")),
    .parameters =
        PROPERTIES(PARAMETER_MAPPING_ID, {.name = "mdev",
                                          .type = SCHEMA_STRING,
                                          .optional = true,
                                          .max_length = 128,
                                          .pattern = "[^/.:]+",
                                          .text = "Count mediated devices of this type instead of devices."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "The mapping has no devices on any node.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "node", .type = SCHEMA_STRING},
                              {.name = "online",
                               .type = SCHEMA_BOOLEAN,
                               .text = "Whether the node's hardware could be read."},
                              {.name = "total",
                               .type = SCHEMA_INTEGER,
                               .text = "Entries of the mapping for this node; with mdev: mediated devices, "
                                       "free and used (0 if the node is not online)."},
                              {.name = "free",
                               .type = SCHEMA_INTEGER,
                               .text = "How many of them a VM could get now: those that match the mapping "
                                       "and that no VM has."},
                              {.name = "used",
                               .type = SCHEMA_ARRAY,
                               .items = ITEMS(.type = SCHEMA_OBJECT, .properties = use_properties)}))},
    .may_block = true,
    .run = get_capacity,
};
