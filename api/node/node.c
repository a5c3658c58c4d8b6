/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes: the nodes, and one node's index, version and status. */
#include "api/node/node.h"

#include <string.h>

#include "api/endpoints.h"
#include "api/node/version.h"
#include "base/memory.h"
#include "hardware/host.h"

static json_t *look_up(const json_t *host, const char *object, const char *key)
{
    return json_object_get(json_object_get(host, object), key);
}

static void set_if(json_t *row, const char *key, json_t *value)
{
    if (value != NULL)
        json_object_set(row, key, value);
}

json_t *node_measure(const struct service *service)
{
    autojson json_t *host = NULL;
    json_t *load = json_object();
    struct error ignored;

    if (host_describe(service->sysroot, &host, &ignored) != 0)
        return load;
    set_if(load, "cpu", json_object_get(host, "cpu"));
    set_if(load, "maxcpu", look_up(host, "cpuinfo", "cpus"));
    set_if(load, "mem", look_up(host, "memory", "used"));
    set_if(load, "maxmem", look_up(host, "memory", "total"));
    set_if(load, "disk", look_up(host, "rootfs", "used"));
    set_if(load, "maxdisk", look_up(host, "rootfs", "total"));
    set_if(load, "uptime", json_object_get(host, "uptime"));
    return load;
}

/* `load` is NULL for a node that is offline. */
static json_t *make_row(struct request *request, const char *node, bool online, json_t *load)
{
    autofree char *path = xasprintf("/nodes/%s", node), *id = xasprintf("node/%s", node);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "node", node, "type", "node", "status",
                            online ? "online" : "offline", "level", "");

    if (load != NULL && access_allows(request->service->access, &request->caller, path, "Sys.Audit"))
        json_object_update(row, load);
    return row;
}

static json_t *make_member_row(struct request *request, const json_t *member)
{
    const char *name = json_string_value(json_object_get(member, "name"));
    bool online = json_is_true(json_object_get(member, "online"));
    autojson json_t *own = strcmp(name, request->service->node) == 0 ? node_measure(request->service) : NULL;

    return make_row(request, name, online,
                    own != NULL ? own
                    : online    ? json_object_get(member, "load")
                                : NULL);
}

json_t *node_list(struct request *request)
{
    const struct service *service = request->service;
    autojson json_t *members = service->members != NULL ? members_list(service->members) : NULL;
    autojson json_t *own = members == NULL ? node_measure(service) : NULL;
    json_t *list = json_array(), *member;
    size_t i;

    if (members == NULL)
        json_array_append_new(list, make_row(request, service->node, true, own));
    json_array_foreach(members, i, member)
        json_array_append_new(list, make_member_row(request, member));
    return list;
}

const struct schema node_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .text = "node/NAME"},
    {.name = "node", .type = SCHEMA_STRING, .format = "pve-node"},
    {.name = "type", .type = SCHEMA_STRING, .values = VALUES("node")},
    {.name = "status", .type = SCHEMA_STRING, .values = VALUES("unknown", "online", "offline")},
    {.name = "ssl_fingerprint",
     .type = SCHEMA_STRING,
     .optional = true,
     .text = "SHA-256 of the certificate."},
    {.name = "level", .type = SCHEMA_STRING, .text = "Subscription level; always empty."},
    {.name = "cpu",
     .type = SCHEMA_NUMBER,
     .optional = true,
     .range = AT_LEAST(0),
     .text = "CPU usage, 0 to 1."},
    {.name = "maxcpu",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = AT_LEAST(0),
     .text = "Number of CPUs."},
    {.name = "mem",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = AT_LEAST(0),
     .text = "Used memory in bytes."},
    {.name = "maxmem", .type = SCHEMA_INTEGER, .optional = true, .text = "Memory in bytes."},
    {.name = "disk",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = AT_LEAST(0),
     .text = "Used bytes of the root file system."},
    {.name = "maxdisk",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = AT_LEAST(0),
     .text = "Size of the root file system in bytes."},
    {.name = "uptime", .type = SCHEMA_INTEGER, .optional = true, .text = "Seconds since the node started."},
    {.name = NULL},
};

static void add_fingerprint(const struct service *service, json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "node"));
    autojson json_t *member = service->members != NULL ? members_find(service->members, name) : NULL;

    if (member != NULL)
        set_if(row, "ssl_fingerprint", json_object_get(member, "fingerprint"));
    else if (service->fingerprint != NULL)
        json_object_set_new(row, "ssl_fingerprint", json_string(service->fingerprint));
}

static int list_nodes(struct request *request, json_t **ret, struct error *err)
{
    json_t *list = node_list(request), *row;
    size_t i;

    (void)err;
    json_array_foreach(list, i, row)
        add_fingerprint(request->service, row);
    *ret = list;
    return 0;
}

const struct endpoint endpoint_list_nodes = {
    .method = METHOD_GET,
    .path = "/nodes",
    .text = "Lists the nodes. Load and sizes need Sys.Audit on the node.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_OBJECT, .properties = node_properties)},
    .run = list_nodes,
};

const struct endpoint endpoint_get_node = {
    .method = METHOD_GET,
    .path = "/nodes/{node}",
    .text = "Lists the parts of a node.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "name",
};

const struct endpoint endpoint_get_node_version = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/version",
    .text = "Shows the versions of the API and of hostpci on a node.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_OBJECT, .properties = version_properties},
    .on_node = true,
    .run = version_run,
};

static int get_node_status(struct request *request, json_t **ret, struct error *err)
{
    if (host_describe(request->service->sysroot, ret, err) != 0)
        return -1;
    json_object_set_new(*ret, "pveversion", json_string(version_pve_manager()));
    /* Proxmox VE always sends these two, and clients with types fail on a fraction or on nothing */
    json_object_set_new(*ret, "idle", json_integer(0));
    if (json_object_get(*ret, "ksm") == NULL)
        json_object_set_new(*ret, "ksm", json_pack("{s:i}", "shared", 0));
    return 0;
}

#define BYTES(key) {.name = (key), .type = SCHEMA_INTEGER, .range = AT_LEAST(0)}
#define WORD(key)  {.name = (key), .type = SCHEMA_STRING}

const struct endpoint endpoint_get_node_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/status",
    .text =
        "Shows kernel, CPUs, memory and load of a node. Values that the host does not provide are left out.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties =
                PROPERTIES(
                    {.name = "uptime",
                     .type = SCHEMA_INTEGER,
                     .optional = true,
                     .text = "Seconds since the node started."},
                    {.name = "idle", .type = SCHEMA_INTEGER, .text = "Always 0."},
                    {.name = "wait",
                     .type = SCHEMA_NUMBER,
                     .optional = true,
                     .text = "Share of the time spent waiting for disks."},
                    {.name = "cpu", .type = SCHEMA_NUMBER, .optional = true, .text = "CPU usage, 0 to 1."},
                    {.name = "loadavg",
                     .type = SCHEMA_ARRAY,
                     .optional = true,
                     .items = ITEMS(.type = SCHEMA_STRING),
                     .text = "Load average over the last 1, 5 and 15 minutes."},
                    {.name = "kversion", .type = SCHEMA_STRING, .optional = true},
                    {.name = "current-kernel",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties =
                         PROPERTIES(WORD("sysname"), WORD("release"), WORD("version"), WORD("machine"))},
                    {.name = "boot-info",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = PROPERTIES(
                         {.name = "mode", .type = SCHEMA_STRING, .values = VALUES("efi", "legacy-bios")},
                         {.name = "secureboot", .type = SCHEMA_BOOLEAN, .optional = true})},
                    {.name = "cpuinfo",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = PROPERTIES(WORD("model"), WORD("vendor"), WORD("family"), WORD("mhz"),
                                              WORD("flags"), WORD("hvm"), BYTES("user_hz"), BYTES("cpus"),
                                              BYTES("cores"), BYTES("sockets"))},
                    {.name = "memory",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties =
                         PROPERTIES(BYTES("total"), BYTES("used"), BYTES("free"), BYTES("available"))},
                    {.name = "swap",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = PROPERTIES(BYTES("total"), BYTES("used"), BYTES("free"))},
                    {.name = "ksm", .type = SCHEMA_OBJECT, .properties = PROPERTIES(BYTES("shared"))},
                    {.name = "rootfs",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = PROPERTIES(BYTES("total"), BYTES("used"), BYTES("free"), BYTES("avail"))},
                    WORD("pveversion")),
        },
    .may_block = true,
    .on_node = true,
    .run = get_node_status,
};
