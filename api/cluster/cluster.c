/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster: index, status, resources and the next free VM id. */
#include <stdlib.h>
#include <string.h>

#include "api/endpoints.h"
#include "api/node/node.h"
#include "api/qemu/list.h"
#include "api/storage/storage.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "vm/keys.h"

#define VMID_FIRST VM_ID_MIN
#define VMID_LAST  999999

const struct endpoint endpoint_get_cluster = {
    .method = METHOD_GET,
    .path = "/cluster",
    .text = "Lists the parts of the cluster.",
    .permission = ALLOW_ALL,
    .index_key = "name",
};

static json_t *make_status(const char *name, json_int_t number, bool online, bool local)
{
    autofree char *id = xasprintf("node/%s", name);

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:i}", "id", id, "name", name, "type", "node", "level",
                     "", "nodeid", number, "online", online, "local", local);
}

/* "https://[fd00::1]:8006" to "fd00::1"; NULL for a name. The caller frees. */
static char *find_address(const char *url)
{
    const char *host = strstr(url, "//") != NULL ? strstr(url, "//") + 2 : url;
    bool v6 = *host == '[';

    host += v6 ? 1 : 0;
    size_t length = strcspn(host, v6 ? "]" : ":/");
    return strspn(host, "0123456789abcdef.:") >= length ? xstrndup(host, length) : NULL;
}

static json_t *make_member_status(const json_t *member, const char *own)
{
    const char *name = json_string_value(json_object_get(member, "name"));
    const char *url = json_string_value(json_object_get(member, "url"));
    autofree char *address = url != NULL ? find_address(url) : NULL;
    json_t *row = make_status(name, json_integer_value(json_object_get(member, "id")),
                              json_is_true(json_object_get(member, "online")), strcmp(name, own) == 0);

    if (address != NULL)
        json_object_set_new(row, "ip", json_string(address));
    return row;
}

static int get_status(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autojson json_t *members = service->members != NULL ? members_list(service->members) : NULL;
    json_t *list = json_array(), *member;
    size_t i;

    (void)err;
    if (members == NULL)
        json_array_append_new(list, make_status(service->node, 0, true, true));
    else
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I, s:I, s:i}", "id", "cluster", "name", "hostpci",
                                        "type", "cluster", "nodes", (json_int_t)json_array_size(members),
                                        "version", (json_int_t)json_array_size(members), "quorate",
                                        members_have_quorum(service->members)));
    json_array_foreach(members, i, member)
        json_array_append_new(list, make_member_status(member, service->node));
    *ret = list;
    return 0;
}

const struct endpoint endpoint_get_cluster_status = {
    .method = METHOD_GET,
    .path = "/cluster/status",
    .text = "Lists the nodes and whether each is online; before them the cluster, if there is one.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "id", .type = SCHEMA_STRING}, {.name = "name", .type = SCHEMA_STRING},
                              {.name = "type", .type = SCHEMA_STRING, .values = VALUES("cluster", "node")},
                              OPTIONAL_TEXT("level", "Subscription level of a node; always empty."),
                              OPTIONAL_NUMBER("nodeid", "Number of a node; 0 outside of a cluster."),
                              OPTIONAL_FLAG("online", "Whether the node is online."),
                              OPTIONAL_FLAG("local", "Whether it is the one that answers."),
                              OPTIONAL_TEXT("ip", "Address of a node."),
                              OPTIONAL_NUMBER("nodes", "Number of nodes of the cluster."),
                              OPTIONAL_NUMBER("version", "Grows with the cluster."),
                              OPTIONAL_FLAG("quorate", "Whether it can be written to.")))},
    .run = get_status,
};

const struct endpoint endpoint_list_cluster_log = {
    .method = METHOD_GET,
    .path = "/cluster/log",
    .text = "Returns an empty list: /cluster/tasks and the system's log show what happens here.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "max",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = AT_LEAST(1),
                              .text = "The most entries to return."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "The cluster keeps no log of its own.",
                .items = ITEMS(.type = SCHEMA_OBJECT, .open = true)},
    .run = request_list_none,
};

static json_t *make_row(const struct service *service, const struct qemu_seen *seen)
{
    json_t *template = json_object_get(json_object_get(seen->document, "config"), "template");
    autofree char *id = xasprintf("qemu/%lld", seen->vmid);
    json_t *row = qemu_describe(service, seen);

    json_object_update_new(row, json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", id, "type", "qemu", "node",
                                          vm_document_node(seen->document), "maxcpu",
                                          (json_int_t)qemu_count_cpus(seen->document), "template",
                                          json_integer_value(template)));
    return row;
}

static int list_resources(struct request *request, json_t **ret, struct error *err)
{
    const char *type = param_string(request, "type");
    autojson json_t *list = json_array(), *nodes = node_list(request);

    if (type == NULL || strcmp(type, "node") == 0)
        json_array_extend(list, nodes);
    if ((type == NULL || strcmp(type, "vm") == 0) && qemu_list_visible(request, make_row, list, err) != 0)
        return -1;
    if ((type == NULL || strcmp(type, "storage") == 0) && storage_is_visible(request))
        json_array_append_new(list, storage_describe_resource(request));
    *ret = TAKE(list);
    return 0;
}

const struct endpoint endpoint_get_cluster_resources = {
    .method = METHOD_GET,
    .path = "/cluster/resources",
    .text = "Lists the nodes, the virtual machines on which the caller has VM.Audit, and the storage if the "
            "caller may see it.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "type",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("vm", "storage", "node", "sdn"),
                              .text = "List only resources of this type."}),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no such resources, or none that the caller may see.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "id",
                        .type = SCHEMA_STRING,
                        .text = "node/NAME, qemu/VMID or storage/NODE/NAME."},
                       {.name = "type", .type = SCHEMA_STRING, .values = VALUES("node", "qemu", "storage")},
                       {.name = "node", .type = SCHEMA_STRING, .format = "pve-node"},
                       OPTIONAL_TEXT("level", "Subscription level of a node; always empty."),
                       {.name = "status",
                        .type = SCHEMA_STRING,
                        .values = VALUES("unknown", "online", "offline", "stopped", "running", "available")},
                       OPTIONAL_TEXT("storage", "Name of a storage."),
                       OPTIONAL_TEXT("plugintype", "Type of a storage: dir."),
                       OPTIONAL_TEXT("content", "Kinds of content that a storage can have."),
                       OPTIONAL_FLAG("shared", "Whether other nodes have the storage, too."),
                       {.name = "vmid",
                        .type = SCHEMA_INTEGER,
                        .optional = true,
                        .format = "pve-vmid",
                        .range = RANGE(VM_ID_MIN, VM_ID_MAX)},
                       {.name = "maxcpu",
                        .type = SCHEMA_INTEGER,
                        .optional = true,
                        .range = AT_LEAST(0),
                        .text = "Number of CPUs."},
                       QEMU_PROPERTIES))},
    .may_block = true, /* a node may have thousands of VMs */
    .run = list_resources,
};

static int get_nextid(struct request *request, json_t **ret, struct error *err)
{
    long long wanted = param_integer(request, "vmid");
    autojson json_t *ids = NULL, *used = json_object();
    json_t *id;
    size_t i;

    if (object_list_ids(request->service->storage, "vm", &ids, err) != 0)
        return -1;
    json_array_foreach(ids, i, id)
        json_object_set(used, json_string_value(id), id);
    for (long long number = wanted != 0 ? wanted : VMID_FIRST; number <= VMID_LAST || number == wanted;
         number++) {
        autofree char *name = xasprintf("%lld", number);
        if (json_object_get(used, name) == NULL) {
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
    .text = "Returns the lowest VM id that is free; with vmid, returns that id or fails if it is in use.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "vmid",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(VM_ID_MIN, VM_ID_MAX),
                              .text = "Check this id."}),
    .returns = {.type = SCHEMA_STRING, .format = "pve-vmid"},
    .may_block = true,
    .run = get_nextid,
};
