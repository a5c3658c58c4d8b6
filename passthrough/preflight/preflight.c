/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start of a VM would do, from what is there and what the checks find. */
#include "passthrough/preflight/preflight.h"

#include <string.h>

#include "base/memory.h"
#include "hardware/host.h"
#include "passthrough/preflight/parts.h"
#include "vm/config/config.h"

const struct check *const *const preflight_check_lists[] = {
    preflight_vm_checks,      preflight_hardware_checks, preflight_device_checks,
    preflight_command_checks, preflight_file_checks,     preflight_rom_checks,
    preflight_advice_checks,  preflight_viommu_checks,   NULL,
};

static void read_host(struct inspection *inspection)
{
    autojson json_t *host = NULL;
    struct error err;

    if (host_describe(inspection->what->sysroot, &host, &err) != 0)
        host = json_object();
    inspection->memory = json_incref(json_object_get(host, "memory"));
    inspection->cpus = json_incref(json_object_get(host, "cpuinfo"));
}

static void read_machine(struct inspection *inspection)
{
    autojson json_t *machine = preflight_values(inspection, "machine");

    inspection->q35 = strstr(json_text(machine, "type"), "q35") != NULL;
    inspection->ovmf = strcmp(preflight_text(inspection, "bios"), "ovmf") == 0;
}

static int prepare(struct inspection *inspection, struct error *err)
{
    const struct preflight *what = inspection->what;

    inspection->config = vm_config_view(what->document, false);
    inspection->described = json_object();
    inspection->states = json_object();
    const struct reservations reservations = {what->storage, what->sysroot};
    if (availability_read(&reservations, what->inventory, &inspection->availability, err) != 0)
        return -1;
    inspection->inventory = inspection->availability.inventory;
    const struct assign assign = {.storage = what->storage,
                                  .availability = &inspection->availability,
                                  .node = what->node,
                                  .vmid = what->vmid,
                                  .config = inspection->config};
    assign_devices(&assign, &inspection->assignments);
    read_host(inspection);
    read_machine(inspection);
    preflight_describe(inspection);
    return 0;
}

static void release(struct inspection *inspection)
{
    json_t *const values[] = {inspection->config,    inspection->memory, inspection->cpus,
                              inspection->described, inspection->states, inspection->host};

    for (size_t i = 0; i < COUNT_OF(values); i++)
        json_decref(values[i]);
    assignments_release(&inspection->assignments);
    facts_release(&inspection->facts);
    availability_release(&inspection->availability);
}

static json_t *device_to_json(const struct inspection *inspection, const struct preflight_hostpci *hostpci)
{
    const struct assignment *assignment = hostpci->assignment;
    autojson json_t *refused = json_array();
    json_t *chosen = json_array();
    json_t *device = json_pack("{s:s, s:o, s:o}", "key", hostpci->key, "chosen", chosen, "detaches",
                               preflight_detaches(inspection, assignment));

    for (char **id = assignment->ids; assignment->assigned && *id != NULL; id++)
        json_array_append_new(chosen, json_string(*id));
    if (assignment->hostpci.mapping != NULL)
        json_object_set_new(device, "mapping", json_string(assignment->hostpci.mapping));
    if (assignment->hostpci.mdev != NULL)
        json_object_set_new(device, "mdev", json_string(assignment->hostpci.mdev));
    for (size_t i = 0; i < assignment->passed_over_count; i++)
        json_array_append_new(refused, json_pack("{s:s, s:s}", "path", assignment->passed_over[i].path,
                                                 "reason", assignment->passed_over[i].message));
    if (json_array_size(refused) > 0)
        json_object_set(device, "refused", refused);
    return device;
}

static json_t *devices_to_json(const struct inspection *inspection)
{
    json_t *list = json_array();
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        json_array_append_new(list, device_to_json(inspection, &hostpci));
    return list;
}

/* How many functions are detached for all devices together. */
static size_t count_detached(const json_t *devices)
{
    autojson json_t *detached = json_object();
    const json_t *device, *row;
    size_t i, j;

    json_array_foreach(devices, i, device)
        json_array_foreach(json_object_get(device, "detaches"), j, row)
            json_object_set_new(detached, json_string_value(json_object_get(row, "id")), json_true());
    return json_object_size(detached);
}

static char *summarize(const struct findings *findings, const json_t *devices, size_t errors)
{
    struct text summary = {0};
    size_t detached = count_detached(devices), first = 0;

    if (errors == 0) {
        text_append(&summary, "It can be started");
        if (detached > 0)
            text_printf(&summary, ", and the host loses %zu function%s for it", detached,
                        detached == 1 ? "" : "s");
        text_append(&summary, ".");
        return text_take(&summary);
    }
    while (findings->list[first].severity != SEVERITY_ERROR)
        first++;
    text_printf(&summary, "It would not start: %s", text_string(&findings->list[first].message));
    if (errors > 1)
        text_printf(&summary, " (and %zu more)", errors - 1);
    return text_take(&summary);
}

static json_t *reply(const struct inspection *inspection, const struct findings *findings)
{
    size_t errors = 0;
    json_t *devices = devices_to_json(inspection);

    for (size_t i = 0; i < findings->count; i++)
        errors += findings->list[i].severity == SEVERITY_ERROR;
    autofree char *summary = summarize(findings, devices, errors);
    return json_pack("{s:i, s:s, s:o, s:o}", "startable", errors == 0, "summary", summary, "devices", devices,
                     "checks", findings_to_json(findings));
}

int preflight_run(const struct preflight *preflight, json_t **ret, struct error *err)
{
    __attribute__((cleanup(release))) struct inspection inspection = {.what = preflight};
    autofindings struct findings findings = {0};

    facts_read(preflight->sysroot, &inspection.facts);
    if (prepare(&inspection, err) != 0)
        return -1;
    const struct subject subject = {
        .facts = &inspection.facts, .inventory = inspection.inventory, .folder = -1, .vm = &inspection};
    check_run_lists(preflight_check_lists, CHECK_VM, CHECK_ALL, &subject, &findings);
    *ret = reply(&inspection, &findings);
    return 0;
}
