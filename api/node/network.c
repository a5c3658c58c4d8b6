/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/network: the bridges that VMs' network cards can be connected to. Nothing here changes them.
 */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "hardware/network.h"

/* A bridge is only shown to those who may use it, as in Proxmox VE. */
static bool may_see(const struct request *request, const char *bridge)
{
    struct access *access = request->service->access;
    autofree char *path = xasprintf("/sdn/zones/localnetwork/%s", bridge);

    return access_allows(access, &request->caller, path, "SDN.Use") ||
           access_allows(access, &request->caller, path, "SDN.Audit");
}

static int list_network(struct request *request, json_t **ret, struct error *err)
{
    static const char *const bridges[] = {"bridge", "any_bridge", "any_local_bridge", "include_sdn", NULL};
    const char *type = param_string(request, "type");
    bool wanted = type == NULL;
    autojson json_t *list = NULL;
    json_t *bridge;
    size_t i;

    for (size_t k = 0; type != NULL && bridges[k] != NULL; k++)
        wanted |= strcmp(type, bridges[k]) == 0;
    *ret = json_array();
    if (!wanted)
        return 0;
    if (bridge_list(request->service->sysroot, &list, err) != 0)
        return -1;
    json_array_foreach(list, i, bridge)
        if (may_see(request, json_string_value(json_object_get(bridge, "iface"))))
            json_array_append(*ret, bridge);
    return 0;
}

const struct endpoint endpoint_list_node_network = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/network",
    .text = "Lists the bridges of a node that the caller may use or audit.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(
        PARAMETER_NODE,
        {.name = "type",
         .type = SCHEMA_STRING,
         .optional = true,
         .values = VALUES("bridge", "bond", "eth", "alias", "vlan", "fabric", "OVSBridge", "OVSBond",
                          "OVSPort", "OVSIntPort", "vnet", "any_bridge", "any_local_bridge", "include_sdn"),
         .text = "List only interfaces of this type. There are only bridges here."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no bridges, or none that the caller may use.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "iface", .type = SCHEMA_STRING},
                                   {.name = "type", .type = SCHEMA_STRING, .values = VALUES("bridge")},
                                   {.name = "active",
                                    .type = SCHEMA_BOOLEAN,
                                    .optional = true,
                                    .text = "Present if the bridge is up."},
                                   {.name = "exists", .type = SCHEMA_BOOLEAN},
                                   {.name = "method", .type = SCHEMA_STRING},
                                   {.name = "method6", .type = SCHEMA_STRING},
                                   {.name = "priority", .type = SCHEMA_INTEGER},
                                   {.name = "bridge_ports",
                                    .type = SCHEMA_STRING,
                                    .text = "The interfaces connected to it, separated by blanks."}))},
    .may_block = true,
    .on_node = true,
    .run = list_network,
};
