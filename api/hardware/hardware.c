/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware: its index, the index of a device, and its types of mediated devices. */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "hardware/slice/mdev.h"
#include "passthrough/mapping/mapping.h"

const struct endpoint endpoint_get_hardware = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware",
    .text = "Lists the types of hardware.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "type",
};

#define PARAMETER_PCI_ID_OR_MAPPING                                                                          \
    {.name = "pci-id-or-mapping",                                                                            \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pci-id-or-mapping",                                                                          \
     .text = "PCI id of the device, or the name of a mapping."}

const struct endpoint endpoint_get_pci = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}",
    .text = "Lists what can be read from a device or done to it.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID_OR_MAPPING),
    .index_key = "method",
};

static int list_mdev_types(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const char *name = param_string(request, "pci-id-or-mapping");
    autojson json_t *paths = NULL, *all = json_array(), *seen = json_object();
    struct pci_address address;
    size_t i, j;
    json_t *path, *type;

    if (pci_address_parse(name, &address))
        return mdev_list_types(service->sysroot, address, ret, err);
    /* It is a mapping: list the types that any of its devices on this node offers, each once. */
    if (mapping_list_paths(service->storage, name, service->node, &paths, err) != 0)
        return -1;
    json_array_foreach(paths, i, path) {
        autojson json_t *types = NULL;
        if (!pci_address_parse(json_string_value(path), &address))
            continue;
        if (mdev_list_types(service->sysroot, address, &types, err) != 0)
            return -1;
        json_array_foreach(types, j, type) {
            const char *type_name = json_string_value(json_object_get(type, "type"));
            if (json_object_get(seen, type_name) != NULL)
                continue;
            json_object_set_new(seen, type_name, json_true());
            json_array_append(all, type);
        }
    }
    *ret = TAKE(all);
    return 0;
}

const struct endpoint endpoint_list_mdev_types = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev",
    .text = "Lists the types of mediated devices that a device, or the devices of a mapping, can create.",
    .permission = ALLOW_ANY_PRIVILEGE("/", "Sys.Audit", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID_OR_MAPPING),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "It cannot create mediated devices now: its status says why.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties =
                                   PROPERTIES({.name = "type",
                                               .type = SCHEMA_STRING,
                                               .text = "Name of the type, as in the mdev key of hostpciN."},
                                              {.name = "name", .type = SCHEMA_STRING, .optional = true},
                                              {.name = "available",
                                               .type = SCHEMA_INTEGER,
                                               .text = "How many more can be created."},
                                              {.name = "description", .type = SCHEMA_STRING}))},
    .may_block = true,
    .on_node = true,
    .run = list_mdev_types,
};
