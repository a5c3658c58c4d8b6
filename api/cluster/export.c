/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/metrics: what Proxmox VE's clients read of nodes and VMs at intervals. */
#include <string.h>
#include <time.h>

#include "api/endpoints.h"
#include "api/node/node.h"
#include "api/qemu/list.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "schema/format.h"

/* Which member of a row of /nodes and of /nodes/{node}/qemu is which metric. */
static const struct {
    const char *member, *metric, *type;
} metrics[] = {
    {"cpu", "cpu_current", "gauge"},     {"maxcpu", "cpu_max", "gauge"},
    {"mem", "mem_used", "gauge"},        {"maxmem", "mem_total", "gauge"},
    {"disk", "disk_used", "gauge"},      {"maxdisk", "disk_total", "gauge"},
    {"diskread", "disk_read", "derive"}, {"diskwrite", "disk_write", "derive"},
    {"netin", "net_in", "derive"},       {"netout", "net_out", "derive"},
    {"uptime", "uptime", "gauge"},
};

static void add_row(const json_t *row, time_t now, json_t *ret)
{
    for (size_t i = 0; i < COUNT_OF(metrics); i++) {
        json_t *value = json_object_get(row, metrics[i].member);
        if (json_is_number(value))
            json_array_append_new(ret,
                                  json_pack("{s:O, s:s, s:I, s:s, s:O}", "id", json_object_get(row, "id"),
                                            "metric", metrics[i].metric, "timestamp", (json_int_t)now, "type",
                                            metrics[i].type, "value", value));
    }
}

static json_t *make_row(const struct service *service, const struct qemu_seen *seen)
{
    autofree char *id = xasprintf("qemu/%lld", seen->vmid);
    json_t *row = qemu_describe(service, seen);

    json_object_update_new(row,
                           json_pack("{s:s, s:s, s:I}", "id", id, "node", vm_document_node(seen->document),
                                     "maxcpu", (json_int_t)qemu_count_cpus(seen->document)));
    return row;
}

static bool is_wanted(const struct request *request, const char *node)
{
    const char *list = param_string(request, "node-list");
    autosplit char **names = format_split_list(list != NULL ? list : node);

    if (param_boolean(request, "local-only") && strcmp(node, request->service->node) != 0)
        return false;
    for (char **name = names; *name != NULL; name++)
        if (strcmp(*name, node) == 0)
            return true;
    return false;
}

static void add_wanted(const struct request *request, const json_t *rows, time_t now, json_t *ret)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (is_wanted(request, json_text(row, "node")))
            add_row(row, now, ret);
    }
}

/* There is no history: the only metrics are those of now. */
static int export_metrics(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *nodes = node_list(request), *vms = json_array(), *data = json_array();
    time_t now = time(NULL);

    if (qemu_list_visible(request, make_row, vms, err) != 0)
        return -1;
    if (now > param_integer(request, "start-time")) {
        add_wanted(request, nodes, now, data);
        add_wanted(request, vms, now, data);
    }
    *ret = json_pack("{s:O}", "data", data);
    return 0;
}

const struct endpoint endpoint_get_cluster_metrics = {
    .method = METHOD_GET,
    .path = "/cluster/metrics",
    .text = "Lists what there is of metrics.",
    .permission = ALLOW_ALL,
    .index_key = "name",
};

static const struct schema metric_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .text = "node/NAME or qemu/VMID."},
    {.name = "metric", .type = SCHEMA_STRING, .text = "Its name, such as mem_used."},
    {.name = "timestamp", .type = SCHEMA_INTEGER, .text = "Seconds since 1970."},
    {.name = "type", .type = SCHEMA_STRING, .values = VALUES("gauge", "counter", "derive")},
    {.name = "value", .type = SCHEMA_NUMBER},
    {.name = NULL},
};

const struct endpoint endpoint_export_cluster_metrics = {
    .method = METHOD_GET,
    .path = "/cluster/metrics/export",
    .text = "Shows the load of the nodes and of the virtual machines that the caller may see, one row for "
            "each number. /metrics is for Prometheus.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .parameters = PROPERTIES({.name = "history",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Accepted and ignored: no history is kept."},
                             {.name = "local-only",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Show only this node and its virtual machines."},
                             {.name = "node-list",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .max_length = 4096,
                              .text = "Show only these nodes, a list."},
                             {.name = "start-time",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .fallback = "0",
                              .text = "Show only what is newer than this time, in seconds since 1970."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties =
                    PROPERTIES({.name = "data",
                                .type = SCHEMA_ARRAY,
                                .items = ITEMS(.type = SCHEMA_OBJECT, .properties = metric_properties)})},
    .may_block = true,
    .run = export_metrics,
};
