/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /storage, /nodes/{node}/storage: the storage `local`, its configuration and its state. There is no other,
 * and no call makes one: its folder is a setting of the daemon. */
#include "api/storage/storage.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "schema/format.h"

bool storage_is_visible(const struct request *request)
{
    struct access *access = request->service->access;

    return access_allows(access, &request->caller, "/storage/" VM_STORE, "Datastore.Audit") ||
           access_allows(access, &request->caller, "/storage/" VM_STORE, "Datastore.AllocateSpace");
}

int storage_check_name(const struct request *request, struct error *err)
{
    const char *name = param_string(request, "storage");

    if (strcmp(name, VM_STORE) == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "storage '%.100s' does not exist", name);
}

static json_t *describe_config(const struct request *request)
{
    const char *folder = request->service->paths.store;
    char digest[SHA1_HEX_SIZE];

    hash_sha1(folder, strlen(folder), digest);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "storage", VM_STORE, "type", "dir", "content",
                     STORAGE_CONTENT, "path", folder, "digest", digest);
}

#define CONFIG_PROPERTIES                                                                                    \
    PROPERTIES({.name = "storage", .type = SCHEMA_STRING}, {.name = "type", .type = SCHEMA_STRING},          \
               {.name = "content", .type = SCHEMA_STRING, .text = "Kinds of content that it can have."},     \
               {.name = "path", .type = SCHEMA_STRING, .text = "The folder."},                               \
               {.name = "digest", .type = SCHEMA_STRING, .text = "Changes with it."})

static int list_config(struct request *request, json_t **ret, struct error *err)
{
    const char *type = param_string(request, "type");

    (void)err;
    *ret = json_array();
    if (storage_is_visible(request) && (type == NULL || strcmp(type, "dir") == 0))
        json_array_append_new(*ret, describe_config(request));
    return 0;
}

const struct endpoint endpoint_list_storage = {
    .method = METHOD_GET,
    .path = "/storage",
    .text = "Lists the storages that the caller may see: there is one, `local`, a folder.",
    .permission = ALLOW_ALL,
    .parameters =
        PROPERTIES({.name = "type",
                    .type = SCHEMA_STRING,
                    .optional = true,
                    .values = VALUES("btrfs", "cephfs", "cifs", "dir", "esxi", "iscsi", "iscsidirect", "lvm",
                                     "lvmthin", "nfs", "pbs", "rbd", "zfs", "zfspool"),
                    .text = "Only storages of this type."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There is no storage that the caller may see.",
                .items = ITEMS(.type = SCHEMA_OBJECT, .properties = CONFIG_PROPERTIES)},
    .run = list_config,
};

static int get_config(struct request *request, json_t **ret, struct error *err)
{
    if (storage_check_name(request, err) != 0)
        return -1;
    *ret = describe_config(request);
    return 0;
}

const struct endpoint endpoint_get_storage = {
    .method = METHOD_GET,
    .path = "/storage/{storage}",
    .text = "The configuration of a storage.",
    .permission = ALLOW_PRIVILEGE("/storage/{storage}", "Datastore.Allocate"),
    .parameters = PROPERTIES(PARAMETER_STORAGE),
    .returns = {.type = SCHEMA_OBJECT, .properties = CONFIG_PROPERTIES},
    .run = get_config,
};

/* Without its folder the storage exists, but is not active. */
static json_t *describe_state(const struct request *request)
{
    struct store_space space = {.total = 0};
    struct error ignored;
    bool active = store_measure(request->service->paths.store, &space, &ignored) == 0;

    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I}", "type", "dir", "content", STORAGE_CONTENT,
                     "enabled", 1, "active", (int)active, "shared", 0, "total", (json_int_t)space.total,
                     "used", (json_int_t)space.used, "avail", (json_int_t)space.available);
}

#define STATE_PROPERTIES                                                                                     \
    {.name = "type", .type = SCHEMA_STRING},                                                                 \
        {.name = "content", .type = SCHEMA_STRING, .format = "pve-storage-content-list"},                    \
        {.name = "enabled", .type = SCHEMA_BOOLEAN},                                                         \
        {.name = "active", .type = SCHEMA_BOOLEAN, .text = "Whether its folder exists."},                    \
        {.name = "shared", .type = SCHEMA_BOOLEAN},                                                          \
        {.name = "total", .type = SCHEMA_INTEGER, .text = "Bytes of its file system."},                      \
        {.name = "used", .type = SCHEMA_INTEGER},                                                            \
    {                                                                                                        \
        .name = "avail", .type = SCHEMA_INTEGER                                                              \
    }

static bool holds_wanted(const char *wanted)
{
    autosplit char **list = format_split_list(wanted != NULL ? wanted : "");
    bool holds = list[0] == NULL;

    for (char **content = list; *content != NULL; content++)
        holds |= strcmp(*content, "images") == 0 || strcmp(*content, "iso") == 0;
    return holds;
}

static json_t *describe_row(const struct request *request)
{
    json_t *row = describe_state(request);
    double total = (double)json_integer_value(json_object_get(row, "total"));

    json_object_set_new(row, "storage", json_string(VM_STORE));
    if (total > 0)
        json_object_set_new(row, "used_fraction",
                            json_real((double)json_integer_value(json_object_get(row, "used")) / total));
    if (param_boolean(request, "format"))
        json_object_update_new(row, json_pack("{s:{s:[s,s], s:s}, s:[{s:i, s:i}, s]}", "formats", "supported",
                                              "raw", "qcow2", "default", "raw", "format", "raw", 1, "qcow2",
                                              1, "raw"));
    return row;
}

static int list_states(struct request *request, json_t **ret, struct error *err)
{
    const char *name = param_string(request, "storage");

    (void)err;
    *ret = json_array();
    if (storage_is_visible(request) && holds_wanted(param_string(request, "content")) &&
        (name == NULL || strcmp(name, VM_STORE) == 0))
        json_array_append_new(*ret, describe_row(request));
    return 0;
}

const struct endpoint endpoint_list_node_storage = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/storage",
    .text = "Lists the storages of a node that the caller may see, and how full they are.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE,
                             {.name = "content",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-storage-content-list",
                              .text = "Only storages that can hold one of these."},
                             {.name = "enabled",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Ignored: it is always enabled."},
                             {.name = "format",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Also return the formats that disks can have."},
                             {.name = "storage",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-storage-id",
                              .max_length = 100,
                              .text = "List only this one."},
                             {.name = "target",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-node",
                              .text = "Ignored: there is only one node."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There is no such storage, or none that the caller may see.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .open = true, /* `format` is an array of an object and a string */
                               .properties = PROPERTIES(
                                   {.name = "storage", .type = SCHEMA_STRING, .format = "pve-storage-id"},
                                   STATE_PROPERTIES,
                                   {.name = "used_fraction", .type = SCHEMA_NUMBER, .optional = true},
                                   {.name = "formats",
                                    .type = SCHEMA_OBJECT,
                                    .optional = true,
                                    .properties = PROPERTIES(WORDS("supported", "Formats of disks."),
                                                             {.name = "default", .type = SCHEMA_STRING})}))},
    .may_block = true, /* its file system may be a network file system */
    .on_node = true,
    .run = list_states,
};

const struct endpoint endpoint_get_node_storage = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/storage/{storage}",
    .text = "Lists the parts of a storage.",
    .permission = MAY_SEE_STORAGE,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_STORAGE),
    .index_key = "subdir",
    .on_node = true,
};

static int get_state(struct request *request, json_t **ret, struct error *err)
{
    struct error ignored;

    if (storage_check_name(request, &ignored) != 0)
        return error_set_field(err, "storage", "No such storage.");
    *ret = describe_state(request);
    return 0;
}

const struct endpoint endpoint_get_node_storage_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/storage/{storage}/status",
    .text = "How full a storage is.",
    .permission = MAY_SEE_STORAGE,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_STORAGE),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES(STATE_PROPERTIES)},
    .may_block = true,
    .on_node = true,
    .run = get_state,
};

json_t *storage_describe_resource(const struct request *request)
{
    autojson json_t *state = describe_state(request);
    bool active = json_integer_value(json_object_get(state, "active")) != 0;

    return json_pack("{s:s+++, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:O, s:O}", "id", "storage/",
                     request->service->node, "/", VM_STORE, "type", "storage", "node", request->service->node,
                     "storage", VM_STORE, "plugintype", "dir", "status", active ? "available" : "unknown",
                     "content", STORAGE_CONTENT, "shared", 0, "disk", json_object_get(state, "used"),
                     "maxdisk", json_object_get(state, "total"));
}
