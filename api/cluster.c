/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster: index, status, resources and the next free VM id. */
#include <stdlib.h>
#include <string.h>

#include "api/endpoints.h"
#include "api/node.h"
#include "base/memory.h"

#define VMID_FIRST 100
#define VMID_LAST  999999

const struct endpoint endpoint_get_cluster = {
    .method = METHOD_GET,
    .path = "/cluster",
    .text = "Lists the parts of the cluster.",
    .permission = ALLOW_ALL,
    .index_key = "name",
};

static int get_status(struct request *request, json_t **ret, struct error *err)
{
    const char *node = request->service->node;
    autofree char *id = xasprintf("node/%s", node);

    (void)err;
    *ret = json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:i}]", "id", id, "name", node, "type", "node", "level",
                     "", "nodeid", 0, "online", 1, "local", 1);
    return 0;
}

const struct endpoint endpoint_get_cluster_status = {
    .method = METHOD_GET,
    .path = "/cluster/status",
    .text = "The nodes and whether they can be reached.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "id", .type = SCHEMA_STRING}, {.name = "name", .type = SCHEMA_STRING},
                              {.name = "type", .type = SCHEMA_STRING, .values = VALUES("cluster", "node")},
                              {.name = "level", .type = SCHEMA_STRING},
                              {.name = "nodeid", .type = SCHEMA_INTEGER},
                              {.name = "online", .type = SCHEMA_BOOLEAN},
                              {.name = "local", .type = SCHEMA_BOOLEAN}))},
    .run = get_status,
};

static int list_resources(struct request *request, json_t **ret, struct error *err)
{
    const char *type = param_string(request, "type");

    (void)err;
    *ret = json_array();
    if (type == NULL || strcmp(type, "node") == 0)
        json_array_append_new(*ret, node_describe(request));
    return 0;
}

const struct endpoint endpoint_get_cluster_resources = {
    .method = METHOD_GET,
    .path = "/cluster/resources",
    .text = "Everything that the cluster has and the caller may see.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "type",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("vm", "storage", "node", "sdn"),
                              .text = "Only this kind."}),
    .returns = {.type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_OBJECT, .properties = node_properties)},
    .run = list_resources,
};

static int get_nextid(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *vms = NULL;
    long long wanted = param_integer(request, "vmid");

    if (object_list(request->service->storage, "vm", &vms, err) != 0)
        return -1;
    for (long long id = wanted != 0 ? wanted : VMID_FIRST; id <= VMID_LAST || id == wanted; id++) {
        autofree char *name = xasprintf("%lld", id);
        if (json_object_get(vms, name) == NULL) {
            *ret = json_string(name); /* a string: two clients written in Go require it */
            return 0;
        }
        if (wanted != 0)
            return error_set_field(err, "vmid", "VM %lld already exists", wanted);
    }
    return error_set(err, ERROR_FAILED, "unable to get any free VMID in range [%d,%d]", VMID_FIRST,
                     VMID_LAST);
}

const struct endpoint endpoint_get_cluster_nextid = {
    .method = METHOD_GET,
    .path = "/cluster/nextid",
    .text = "The lowest VM id that is free, or whether the given one is.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "vmid",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(100, 999999999),
                              .text = "Ask about this one."}),
    .returns = {.type = SCHEMA_STRING, .format = "pve-vmid"},
    .run = get_nextid,
};
