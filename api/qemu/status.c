/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/status: whether a VM runs, and what it uses. */
#include <string.h>

#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/vm_document.h"
#include "vm/value.h"

#define MIB (1024LL * 1024)

const struct endpoint endpoint_get_qemu_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/status",
    .text = "Lists the states and actions of a virtual machine.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .index_key = "subdir",
    .on_node = true,
};

/* The parts of a key's value; empty if it is not set or cannot be parsed. */
static json_t *parts_of(const json_t *config, const char *key)
{
    json_t *parts = NULL;
    struct error ignored;

    return vm_value_parts(config, key, &parts, &ignored) == 0 ? parts : json_object();
}

/* Leaves out what is not configured. */
static void add_configured(const json_t *config, json_t *row)
{
    autojson json_t *agent = parts_of(config, "agent"), *vga = parts_of(config, "vga");
    const char *clipboard = json_text_or(vga, "clipboard", NULL);
    long long balloon = vm_value_number(config, "balloon", 0);

    if (vm_value_number(agent, "enabled", 0) != 0)
        json_object_set_new(row, "agent", json_integer(1));
    if (text_starts_with(json_text(vga, "type"), "qxl"))
        json_object_set_new(row, "spice", json_integer(1));
    if (json_object_size(vga) > 0)
        json_object_set_new(row, "clipboard", clipboard != NULL ? json_string(clipboard) : json_null());
    if (balloon > 0 && balloon < INT64_MAX / MIB) {
        json_object_set_new(row, "balloon_min", json_integer(balloon * MIB));
        json_object_set_new(row, "shares", json_integer(vm_value_number(config, "shares", 1000)));
    }
}

static int get_current(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    struct qemu_seen seen = {.vmid = param_integer(request, "vmid")};
    const struct machines_source source = qemu_machines(service);
    autojson json_t *document = NULL, *machines = NULL, *config = NULL;

    if (vm_document_read(service->storage, service->node, seen.vmid, &document, NULL, err) != 0 ||
        machines_list(&source, &machines, err) != 0)
        return -1;
    const json_t *machine = machines_find(machines, seen.vmid);
    seen.document = document;
    seen.machine = machine_runs(machine) ? machine : NULL;
    json_t *row = qemu_describe_here(service, &seen);
    if (json_object_get(machine, "left") != NULL)
        json_object_set(row, "not-returned", json_object_get(machine, "left"));
    json_object_set_new(row, "ha", json_pack("{s:i}", "managed", 0));
    config = vm_config_view(document, seen.machine != NULL);
    add_configured(config, row);
    if (seen.machine != NULL)
        json_object_set_new(row, "nics", machine_list_nics(service->sysroot, seen.vmid));
    *ret = row;
    return 0;
}

static const struct schema ha_properties[] = {
    {.name = "managed", .type = SCHEMA_BOOLEAN, .text = "0: VMs are not moved when a node fails."},
    {.name = NULL},
};

const struct endpoint endpoint_get_qemu_current = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/status/current",
    .text = "Shows whether a VM runs, and what it uses.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    PARAMETER_VMID,
                    {.name = "status", .type = SCHEMA_STRING, .values = VALUES("stopped", "running")},
                    QEMU_PROPERTIES, QEMU_PROPERTIES_HERE,
                    {.name = "ha", .type = SCHEMA_OBJECT, .properties = ha_properties},
                    {.name = "not-returned",
                     .type = SCHEMA_STRING,
                     .optional = true,
                     .text = "The VM has ended, but the host has not got back all of its devices, for this "
                             "reason. This is tried again; until it succeeds the VM cannot start."},
                    OPTIONAL_FLAG("agent", "Whether the guest agent's channel is configured."),
                    OPTIONAL_FLAG("spice", "Whether it has a display for SPICE."),
                    {.name = "clipboard",
                     .type = SCHEMA_STRING,
                     .optional = true,
                     .nullable = true,
                     .values = VALUES("vnc"),
                     .text = "Clipboard of the display: vnc; null: the one that its type has."},
                    QEMU_SIZE("balloon_min", "The least memory that it keeps, in bytes."),
                    QEMU_SIZE("shares", "Its weight when memory is taken back."),
                    {.name = "nics",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .open = true,
                     .text = "{tap100i0: {netin, netout}}: bytes that its cards received and sent."})},
    .may_block = true,
    .on_node = true,
    .run = get_current,
};
