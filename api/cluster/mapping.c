/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping: resource mappings, which give devices the same name on every node. */
#include "api/cluster/mapping.h"

#include <string.h>

#include "base/memory.h"
#include "schema/format.h"

const struct endpoint endpoint_get_mapping = {
    .method = METHOD_GET,
    .path = "/cluster/mapping",
    .text = "Lists the types of resource mappings.",
    .permission = ALLOW_ALL,
    .index_key = "name",
};

const struct schema mapping_check_properties[] = {
    {.name = "severity", .type = SCHEMA_STRING, .values = VALUES("warning", "error")},
    {.name = "message", .type = SCHEMA_STRING},
    {.name = NULL},
};

static const struct mapping_kind *kind_of(const struct request *request)
{
    return request->endpoint->subject;
}

static bool may_see(struct request *request, const char *id)
{
    static const char *const privileges[] = {"Mapping.Use", "Mapping.Modify", "Mapping.Audit"};
    autofree char *path = xasprintf("/mapping/%s/%s", kind_of(request)->type, id);

    for (size_t i = 0; i < COUNT_OF(privileges); i++)
        if (access_allows(request->service->access, &request->caller, path, privileges[i]))
            return true;
    return false;
}

/* Reads the hardware of check-node. *ret_node is NULL if the request does not ask for a comparison. */
static int find_checked_node(struct request *request, const char **ret_node, struct mapping_hardware *ret,
                             struct error *err)
{
    const char *node = param_string(request, "check-node"), *here = request->service->node;

    *ret_node = node != NULL ? here : NULL;
    if (node == NULL)
        return 0;
    if (strcmp(node, here) != 0 && strcmp(node, "localhost") != 0)
        return error_set(err, ERROR_NO_HOST, "hostname lookup '%s' failed - no such node: this one is '%s'",
                         node, here);
    return kind_of(request)->read_hardware(request->service->sysroot, request->service->inventory, ret, err);
}

/* A USB mapping's checks are called `errors`, as in Proxmox VE. */
int mapping_run_list(struct request *request, json_t **ret, struct error *err)
{
    const struct mapping_kind *kind = kind_of(request);
    autohardware struct mapping_hardware hardware = {0};
    autojson json_t *bodies = NULL;
    const char *node, *id;
    json_t *body;

    if (find_checked_node(request, &node, &hardware, err) != 0 ||
        object_list(request->service->storage, kind->document, &bodies, err) != 0)
        return -1;
    *ret = json_array();
    json_object_foreach(bodies, id, body) {
        if (!may_see(request, id))
            continue;
        json_t *row = mapping_describe(kind, id, body);
        if (node != NULL)
            json_object_set_new(row, kind == &mapping_pci ? "checks" : "errors",
                                mapping_check(kind, id, body, node, &hardware));
        json_array_append_new(*ret, row);
    }
    return 0;
}

int mapping_read_document(struct request *request, const struct mapping_kind *kind, json_t **ret,
                          struct error *err)
{
    const char *id = param_string(request, "id");

    if (object_read(request->service->storage, kind->document, id, ret, NULL, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "mapping '%s' not found", id) : -1;
}

int mapping_run_get(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *body = NULL;

    if (mapping_read_document(request, kind_of(request), &body, err) != 0)
        return -1;
    *ret = mapping_describe(kind_of(request), param_string(request, "id"), body);
    json_object_del(*ret, "id");
    return 0;
}

int mapping_run_create(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return mapping_create(kind_of(request), request->service->storage, param_string(request, "id"),
                          request->params, err);
}

int mapping_run_update(struct request *request, json_t **ret, struct error *err)
{
    const char *names = param_string(request, "delete");
    autosplit char **remove = format_split_list(names != NULL ? names : "");

    *ret = json_null();
    return mapping_update(kind_of(request), request->service->storage, param_string(request, "id"),
                          request->params, remove, param_string(request, "digest"), err);
}

int mapping_run_delete(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return mapping_delete(kind_of(request), request->service->storage, param_string(request, "id"), err);
}
