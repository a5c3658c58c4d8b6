/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics of VMs, and what they have of the host. */
#include "api/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "api/qemu/list.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/assign/reservation.h"

static const char *name_state(const json_t *machine)
{
    if (machine == NULL)
        return "stopped";
    if (json_object_get(machine, "ending") != NULL)
        return "ending";
    return machine_runs(machine) ? "running" : "starting";
}

/* By which QEMU says it, where it is not simply running: paused, io-error ... */
static const char *name_status(const json_t *machine)
{
    const char *status = json_text(machine, "qmpstatus");

    return strcmp(status, "running") == 0 ? "" : status;
}

int metrics_add_vms(const struct service *service, struct text *ret, struct error *err)
{
    static const char *const states[] = {"stopped", "starting", "running", "ending"};
    const struct machines_source source = qemu_machines(service);
    autojson json_t *ids = NULL, *machines = NULL;
    autotext struct text left = {0}, halted = {0};
    unsigned counts[COUNT_OF(states)] = {0};
    const json_t *id;
    size_t i;

    if (object_list_ids(service->storage, "vm", &ids, err) != 0 ||
        machines_list(&source, &machines, err) != 0)
        return -1;
    metric_begin(&halted, "hostpci_vm_halted", "gauge", "1 for each VM that runs, but whose guest does not.");
    metric_begin(&left, "hostpci_vm_devices_left", "gauge",
                 "1 for each VM that has ended and whose devices could not be given back.");
    json_array_foreach(ids, i, id) {
        const char *vmid = json_string_value(id);
        const json_t *machine = json_object_get(machines, vmid);
        const char *state = name_state(machine), *status = name_status(machine);
        for (size_t s = 0; s < COUNT_OF(states); s++)
            counts[s] += strcmp(states[s], state) == 0;
        if (status[0] != '\0')
            METRIC_ADD(&halted, "hostpci_vm_halted", 1, "vmid", vmid, "status", status);
        if (json_object_get(machine, "left") != NULL)
            METRIC_ADD(&left, "hostpci_vm_devices_left", 1, "vmid", vmid);
    }
    metric_begin(ret, "hostpci_vms", "gauge", "Virtual machines by state.");
    for (size_t s = 0; s < COUNT_OF(states); s++)
        METRIC_ADD(ret, "hostpci_vms", counts[s], "state", states[s]);
    text_append(ret, text_string(&halted));
    text_append(ret, text_string(&left));
    return 0;
}

/* One hostpciN of a VM. */
static void add_given(long long vmid, const json_t *device, json_t *ret)
{
    const json_t *function;
    size_t i;

    json_array_foreach(json_object_get(device, "functions"), i, function) {
        const char *name = json_text_or(function, "mdev", json_text(function, "host"));
        json_object_set_new(ret, name,
                            json_pack("{s:I, s:O*, s:O*}", "vmid", (json_int_t)vmid, "guest",
                                      json_object_get(function, "guest"), "mapping",
                                      json_object_get(device, "mapping")));
    }
}

static void add_machine(long long vmid, const json_t *devices, bool *silent, json_t *ret)
{
    const json_t *device;
    size_t i;

    json_array_foreach(devices, i, device) {
        *silent |= json_array_size(json_object_get(device, "functions")) > 0 &&
                   json_object_get(device, "reason") != NULL;
        add_given(vmid, device, ret);
    }
}

int metrics_list_given(const struct service *service, json_t **ret, struct error *err)
{
    const struct reservations reservations = {service->storage, service->sysroot};
    autojson json_t *running = NULL, *reserved = NULL, *given = json_object();
    bool silent = false;
    const char *id, *any;
    json_t *machine;

    if (qemu_list_running(service, &running, err) != 0 ||
        reservations_list(&reservations, &reserved, err) != 0)
        return -1;
    json_object_foreach(running, id, machine) {
        long long vmid = strtoll(id, NULL, 10);
        autojson json_t *devices = NULL;
        struct error gone;
        if (!silent && reservations_find(reserved, vmid, &any) != NULL &&
            qemu_list_devices(service, vmid, &devices, &gone) == 0)
            add_machine(vmid, devices, &silent, given);
    }
    *ret = TAKE(given);
    return 0;
}
