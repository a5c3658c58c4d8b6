/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /metrics, for Prometheus, and /cluster/metrics, as Proxmox VE has it. */
#include "api/metrics.h"

#include <time.h>

#include "api/endpoints.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/assign/capacity.h"
#include "passthrough/mapping/mapping.h"

static void add_capacity(const struct capacity *capacity, struct text *total, struct text *free)
{
    autojson json_t *rows = NULL;
    struct error none;
    const json_t *row;
    size_t i;

    if (capacity_list(capacity, &rows, &none) != 0)
        return;
    json_array_foreach(rows, i, row) {
        const char *node = json_text(row, "node");
        METRIC_ADD(total, "hostpci_mapping_devices",
                   (double)json_integer_value(json_object_get(row, "total")), "mapping", capacity->mapping,
                   "node", node);
        if (json_is_true(json_object_get(row, "online")) ||
            json_integer_value(json_object_get(row, "online")) == 1)
            METRIC_ADD(free, "hostpci_mapping_devices_free",
                       (double)json_integer_value(json_object_get(row, "free")), "mapping", capacity->mapping,
                       "node", node);
    }
}

static int add_mappings(const struct service *service, struct text *ret, struct error *err)
{
    const struct reservations reservations = {service->storage, service->sysroot};
    autoavailability struct availability availability = {0};
    autojson json_t *mappings = NULL;
    autotext struct text free = {0};
    const char *id;
    json_t *body;

    if (availability_read(&reservations, service->inventory, &availability, err) != 0 ||
        object_list(service->storage, mapping_pci.document, &mappings, err) != 0)
        return -1;
    metric_begin(ret, "hostpci_mapping_devices", "gauge", "Devices that a PCI mapping has on a node.");
    metric_begin(&free, "hostpci_mapping_devices_free", "gauge",
                 "Devices of a PCI mapping that a VM could get now.");
    json_object_foreach(mappings, id, body) {
        const struct capacity capacity = {
            .availability = &availability, .node = service->node, .mapping = id, .body = body};
        add_capacity(&capacity, ret, &free);
    }
    text_append(ret, text_string(&free));
    return 0;
}

static int show_metrics(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autojson json_t *given = NULL;
    autotext struct text text = {0};

    metric_begin(&text, "hostpci_build_info", "gauge", "1; the version of hostpci.");
    METRIC_ADD(&text, "hostpci_build_info", 1, "version", VERSION, "node", service->node);
    if (metrics_list_given(service, &given, err) != 0 ||
        metrics_add_devices(service, given, &text, err) != 0 || add_mappings(service, &text, err) != 0 ||
        metrics_add_vms(service, &text, err) != 0)
        return -1;
    metric_print_counters(&text);
    *ret = json_stringn(text_string(&text), text.length);
    return 0;
}

const struct endpoint endpoint_get_metrics = {
    .method = METHOD_GET,
    .path = "/metrics",
    .text =
        "Shows the metrics of this node as text that Prometheus reads: PCI devices, mappings, VMs, requests, "
        "tasks. It is there at /metrics, too, outside of /api2/json.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .returns = {.type = SCHEMA_STRING},
    .text_type = METRIC_TEXT_TYPE,
    .may_block = true,
    .run = show_metrics,
};
