/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci: names for PCI devices, the same on every node. */
#include <stdlib.h>
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "passthrough/mapping.h"
#include "schema/format.h"

const struct endpoint endpoint_get_mapping = {
    .method = METHOD_GET,
    .path = "/cluster/mapping",
    .text = "Lists the kinds of resource mappings.",
    .permission = ALLOW_ALL,
    .index_key = "name",
};

static bool may_see(struct request *request, const char *id)
{
    static const char *const privileges[] = {"Mapping.Use", "Mapping.Modify", "Mapping.Audit"};
    autofree char *path = xasprintf("/mapping/pci/%s", id);

    for (size_t i = 0; i < COUNT_OF(privileges); i++)
        if (access_allows(request->service->access, &request->caller, path, privileges[i]))
            return true;
    return false;
}

/* The hardware to compare with; *ret_node is NULL if nothing is to be compared. */
static int find_checked_node(struct request *request, const char **ret_node, struct inventory **ret,
                             struct error *err)
{
    const char *node = param_string(request, "check-node"), *here = request->service->node;

    *ret_node = node != NULL ? here : NULL;
    if (node == NULL)
        return 0;
    if (strcmp(node, here) != 0 && strcmp(node, "localhost") != 0)
        return error_set(err, ERROR_NO_HOST, "hostname lookup '%s' failed - no such node: this one is '%s'",
                         node, here);
    return inventory_source_get(request->service->inventory, ret, err);
}

static int list_mappings(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *bodies = NULL;
    const char *node, *id;
    json_t *body;

    if (find_checked_node(request, &node, &inventory, err) != 0 ||
        object_list(request->service->storage, MAPPING_PCI_KIND, &bodies, err) != 0)
        return -1;
    *ret = json_array();
    json_object_foreach(bodies, id, body) {
        if (!may_see(request, id))
            continue;
        json_t *row = mapping_describe(id, body);
        if (node != NULL)
            json_object_set_new(row, "checks", mapping_check(id, body, node, inventory));
        json_array_append_new(*ret, row);
    }
    return 0;
}

#define MAPPING_PROPERTIES                                                                                   \
    {.name = "type", .type = SCHEMA_STRING, .values = VALUES("pci")},                                        \
        {.name = "map",                                                                                      \
         .type = SCHEMA_ARRAY,                                                                               \
         .items = ITEMS(.type = SCHEMA_STRING),                                                              \
         .text = "The devices, a property string each."},                                                    \
        {.name = "description", .type = SCHEMA_STRING, .optional = true},                                    \
        {.name = "mdev", .type = SCHEMA_BOOLEAN, .optional = true},                                          \
        {.name = "live-migration-capable", .type = SCHEMA_BOOLEAN, .optional = true},                        \
    {                                                                                                        \
        .name = "digest", .type = SCHEMA_STRING, .text = "Changes with the mapping."                         \
    }

const struct endpoint endpoint_list_mapping_pci = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci",
    .text = "Lists the PCI mappings that the caller may use, change or see.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "check-node",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-node",
                              .text = "Compare each mapping with the hardware of this node."}),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "id", .type = SCHEMA_STRING, .format = "pve-configid"},
                                   MAPPING_PROPERTIES,
                                   {.name = "checks",
                                    .type = SCHEMA_ARRAY,
                                    .optional = true,
                                    .text = "With check-node: what is wrong; empty if nothing.",
                                    .items = ITEMS(.type = SCHEMA_OBJECT,
                                                   .properties = PROPERTIES(
                                                       {.name = "severity",
                                                        .type = SCHEMA_STRING,
                                                        .values = VALUES("warning", "error")},
                                                       {.name = "message", .type = SCHEMA_STRING}))}))},
    .may_block = true,
    .run = list_mappings,
};

static int get_mapping(struct request *request, json_t **ret, struct error *err)
{
    const char *id = param_string(request, "id");
    autojson json_t *body = NULL;

    if (object_read(request->service->storage, MAPPING_PCI_KIND, id, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "mapping '%s' not found", id)
                                            : -1;
    *ret = mapping_describe(id, body);
    json_object_del(*ret, "id");
    return 0;
}

#define PARAMETER_MAPPING_ID                                                                                 \
    {                                                                                                        \
        .name = "id", .type = SCHEMA_STRING, .format = "pve-configid", .max_length = 128,                    \
        .text = "Name of the mapping."                                                                       \
    }

const struct endpoint endpoint_get_mapping_pci = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci/{id}",
    .text = "One PCI mapping.",
    .permission = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Use"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Audit")),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES(MAPPING_PROPERTIES)},
    .run = get_mapping,
};

/* A macro, since the items are the schema of another file: an address, not a copy. */
#define PARAMETER_MAP(is_optional)                                                                           \
    {                                                                                                        \
        .name = "map", .type = SCHEMA_ARRAY, .optional = (is_optional), .items = &mapping_entry_schema,      \
        .text = "The devices; several of one node are alternatives, in order."                               \
    }
#define MAPPING_SETTINGS                                                                                     \
    {.name = "description", .type = SCHEMA_STRING, .optional = true, .max_length = 4096},                    \
        {.name = "mdev",                                                                                     \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .fallback = "0",                                                                                    \
         .text = "The devices are used through mediated devices."},                                          \
    {                                                                                                        \
        .name = "live-migration-capable", .type = SCHEMA_BOOLEAN, .optional = true, .fallback = "0",         \
        .text = "The devices and their driver can be migrated with the VM."                                  \
    }

static int create_mapping(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return mapping_create(request->service->storage, param_string(request, "id"), request->params, err);
}

const struct endpoint endpoint_create_mapping_pci = {
    .method = METHOD_POST,
    .path = "/cluster/mapping/pci",
    .text = "Creates a PCI mapping. Its contents are compared with the hardware when it is checked or used, "
            "not now.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(false), MAPPING_SETTINGS),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = create_mapping,
};

static int update_mapping(struct request *request, json_t **ret, struct error *err)
{
    const char *names = param_string(request, "delete");
    autosplit char **remove = format_split_list(names != NULL ? names : "");

    *ret = json_null();
    return mapping_update(request->service->storage, param_string(request, "id"), request->params, remove,
                          param_string(request, "digest"), err);
}

const struct endpoint endpoint_update_mapping_pci = {
    .method = METHOD_PUT,
    .path = "/cluster/mapping/pci/{id}",
    .text = "Changes a PCI mapping; map is always needed and replaces all entries.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(true), MAPPING_SETTINGS,
                             {.name = "delete",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-configid-list",
                              .max_length = 4096,
                              .text = "Settings to drop."},
                             PARAMETER_DIGEST),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_mapping,
};

static int delete_mapping(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return mapping_delete(request->service->storage, param_string(request, "id"), err);
}

const struct endpoint endpoint_delete_mapping_pci = {
    .method = METHOD_DELETE,
    .path = "/cluster/mapping/pci/{id}",
    .text = "Deletes a PCI mapping; one that does not exist is deleted already.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = delete_mapping,
};
