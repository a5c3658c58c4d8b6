/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run on this node, from the broker and from the reservations. */
#include "passthrough/machine.h"

#include <pthread.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/process.h"
#include "passthrough/assign/reservation.h"

/* What the broker said last, for the time in which there is none: its VMs go on. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *last_known;

static void remember(const json_t *machines)
{
    pthread_mutex_lock(&lock);
    json_decref(last_known);
    last_known = json_deep_copy(machines);
    pthread_mutex_unlock(&lock);
}

/* Those of them whose process is still there. */
static json_t *recall(void)
{
    json_t *machines = json_object(), *machine;
    const char *vmid;

    pthread_mutex_lock(&lock);
    json_object_foreach(last_known, vmid, machine) {
        const struct process qemu = {
            (pid_t)json_integer_value(json_object_get(machine, "pid")),
            (unsigned long long)json_integer_value(json_object_get(machine, "start"))};
        if (qemu.pid > 0 && process_runs(qemu))
            json_object_set_new(machines, vmid, json_deep_copy(machine));
    }
    pthread_mutex_unlock(&lock);
    return machines;
}

int machines_read(const struct broker *broker, json_t **ret, struct error *err)
{
    autojson json_t *answer = NULL;
    struct error unknown = {.reason = 0};

    if (broker == NULL || broker_call_briefly(broker, "vms", NULL, json_object(), &answer, &unknown) == 0) {
        *ret = answer != NULL ? json_incref(json_object_get(answer, "vms")) : json_object();
        remember(*ret);
        return 0;
    }
    if (unknown.reason == BROKER_SILENT) {
        *err = unknown;
        return error_prefix(err, "which VMs run is unknown: ");
    }
    *ret = recall();
    return 0;
}

/* A VM whose process has reserved devices runs, even if the broker does not know it. */
static void add_reserved(json_t *machines, const json_t *reserved)
{
    const char *device;
    const json_t *row;

    json_object_foreach((json_t *)(uintptr_t)reserved, device, row) {
        autofree char *vmid = xasprintf("%lld", json_integer_value(json_object_get(row, "vmid")));
        bool running = strcmp(json_text(row, "state"), "running") == 0;
        if (json_object_get(machines, vmid) == NULL)
            json_object_set_new(machines, vmid,
                                running ? json_pack("{s:O}", "pid", json_object_get(row, "process"))
                                        : json_pack("{s:i}", "starting", 1));
    }
}

int machines_list(const struct machines_source *source, json_t **ret, struct error *err)
{
    const struct reservations reservations = {source->storage, source->sysroot};
    autojson json_t *machines = NULL, *reserved = NULL;

    if (machines_read(source->broker, &machines, err) != 0 ||
        reservations_list(&reservations, &reserved, err) != 0)
        return -1;
    add_reserved(machines, reserved);
    *ret = TAKE(machines);
    return 0;
}

const json_t *machines_find(const json_t *machines, long long vmid)
{
    autofree char *id = xasprintf("%lld", vmid);

    return json_object_get(machines, id);
}

bool machine_runs(const json_t *machine)
{
    return json_integer_value(json_object_get(machine, "pid")) > 0 &&
           json_object_get(machine, "ending") == NULL;
}

int machine_check_none(const json_t *machine, long long vmid, struct error *err)
{
    const char *left = json_text_or(machine, "left", NULL);

    if (machine == NULL)
        return 0;
    if (left == NULL)
        return error_set(err, ERROR_FAILED, "VM %lld already running", vmid);
    return error_set(
        err, ERROR_FAILED,
        "VM %lld has ended, but not all that it had is back: %s. It is tried again; `hostpci qm stop "
        "%lld` tries at once",
        vmid, left, vmid);
}

int machines_require(const struct machines_source *source, long long vmid, json_t **ret_machine,
                     struct error *err)
{
    autojson json_t *machines = NULL;

    if (machines_list(source, &machines, err) != 0)
        return -1;
    const json_t *machine = machines_find(machines, vmid);
    if (!machine_runs(machine))
        return error_set(err, ERROR_FAILED, "VM %lld not running", vmid);
    if (ret_machine != NULL)
        *ret_machine = json_incref((json_t *)(uintptr_t)machine);
    return 0;
}
