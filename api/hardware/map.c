/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/map: adds a device to a mapping. */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "passthrough/mapping/mapping.h"

static int map_device(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    const struct service *service = request->service;
    struct pci_address address = param_pci_address(request);
    bool whole = strcmp(param_string(request, "scope"), "device") == 0;
    char id[PCI_ADDRESS_SIZE];

    if (whole)
        address.function = 0;
    if (inventory_source_get(service->inventory, &inventory, err) != 0)
        return -1;
    const struct pci_device *device = inventory_find(inventory, address);
    pci_address_format(address, id);
    if (device == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    *ret = json_null();
    return mapping_add_device(service->storage, param_string(request, "mapping"), service->node, device,
                              whole, param_string(request, "description"), err);
}

const struct endpoint endpoint_map_pci = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/map",
    .text = "Adds the device, as it is now, to a PCI mapping. The mapping is created if it does not exist.",
    .permission = ALLOW_AND(ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
                            ALLOW_PRIVILEGE("/mapping/pci", "Mapping.Modify")),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID,
                             {.name = "mapping",
                              .type = SCHEMA_STRING,
                              .format = "pve-configid",
                              .max_length = 128,
                              .text = "Name of the mapping."},
                             {.name = "scope",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("function", "device"),
                              .fallback = "function",
                              .text = "Map the function alone, or all functions of its device together."},
                             {.name = "description",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .max_length = 4096,
                              .text = "Description of the mapping."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .run = map_device,
};
