/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/qemu/{vmid}/status/{start,stop,shutdown,reboot}: starting and stopping a VM. */
#include "passthrough/start/start.h"

#include <string.h>

#include "api/qemu/list.h"
#include "api/qemu/power.h"
#include "base/json.h"
#include "base/memory.h"

struct start_host qemu_start_host(const struct service *service)
{
    return (struct start_host){.node = service->node,
                               .storage = service->storage,
                               .sysroot = service->sysroot,
                               .inventory = service->inventory,
                               .broker = service->broker,
                               .qemu = service->qemu,
                               .tasks = service->tasks,
                               .paths = &service->paths,
                               .volume_dirs = service->volume_dirs};
}

static bool is_set(const struct qemu_call *call, const char *name)
{
    return json_integer_value(json_object_get(call->params, name)) != 0;
}

static long long timeout_of(const struct qemu_call *call)
{
    const json_t *timeout = json_object_get(call->params, "timeout");

    return timeout != NULL ? json_integer_value(timeout) : -1;
}

/* An option is given if it is not 0 or empty. */
int qemu_check_root(const struct request *request, const char *const *names, struct error *err)
{
    for (; *names != NULL; names++) {
        const json_t *value = json_object_get(request->params, *names);
        if ((json_integer_value(value) != 0 || json_string_length(value) > 0) &&
            !identity_is_root(&request->caller))
            return error_set_field(err, *names, "Only root may use this option.");
    }
    return 0;
}

/* Options for migration and for states on disk, which hostpci does not have. */
static const char *const not_here[] = {
    "stateuri",      "migratedfrom",         "migration_type", "migration_network",
    "targetstorage", "with-conntrack-state", "nets-host-mtu",  NULL};

static int refuse_migration(const struct request *request, struct error *err)
{
    for (const char *const *name = not_here; *name != NULL; name++) {
        const json_t *value = json_object_get(request->params, *name);
        if (json_integer_value(value) != 0 || json_string_length(value) > 0)
            return error_set_field(err, *name, "a VM is started from its disks here, not moved from a node");
    }
    return 0;
}

static int run_start(const struct qemu_call *call, struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);
    const struct start_options options = {.skip_lock = is_set(call, "skiplock"),
                                          .timeout = timeout_of(call),
                                          .machine = json_text_or(call->params, "machine", NULL),
                                          .cpu = json_text_or(call->params, "force-cpu", NULL)};

    return start_run(&host, qemu_vmid(call), &options, task, err);
}

static int start_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_root(request, VALUES("skiplock", "force-cpu"), err) != 0 ||
        qemu_check_root(request, not_here, err) != 0 || refuse_migration(request, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmstart", run_start, ret, err);
}

static int run_stop(const struct qemu_call *call, struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);
    const struct stop_options options = {
        .skip_lock = is_set(call, "skiplock"), .force = true, .timeout = timeout_of(call)};

    return start_stop(&host, qemu_vmid(call), &options, task, err);
}

static int stop_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_root(request, VALUES("skiplock", "keepActive", "migratedfrom"), err) != 0)
        return -1;
    return qemu_begin_task(request, "qmstop", run_stop, ret, err);
}

/* A guest that is paused does not notice the power button. */
static bool is_paused(const struct service *service, long long vmid)
{
    autojson json_t *machines = NULL;
    struct error ignored;

    return machines_read(service->broker, &machines, &ignored) == 0 &&
           strcmp(json_text(machines_find(machines, vmid), "qmpstatus"), "paused") == 0;
}

static int run_shutdown(const struct qemu_call *call, struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);
    const struct stop_options options = {.skip_lock = is_set(call, "skiplock"),
                                         .powerdown = !is_paused(call->service, qemu_vmid(call)),
                                         .force = is_set(call, "forceStop"),
                                         .timeout = timeout_of(call)};

    return start_stop(&host, qemu_vmid(call), &options, task, err);
}

static int shutdown_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_root(request, VALUES("skiplock", "keepActive"), err) != 0)
        return -1;
    if (!param_boolean(request, "forceStop") && is_paused(request->service, param_integer(request, "vmid")))
        return error_set(err, ERROR_FAILED, "VM is paused - cannot shutdown");
    return qemu_begin_task(request, "qmshutdown", run_shutdown, ret, err);
}

static int run_reboot(const struct qemu_call *call, struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);

    return start_reboot(&host, qemu_vmid(call), timeout_of(call), task, err);
}

static int reboot_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_running(request, NULL, err) != 0)
        return -1;
    if (is_paused(request->service, param_integer(request, "vmid")))
        return error_set(err, ERROR_FAILED, "VM is paused - cannot shutdown");
    return qemu_begin_task(request, "qmreboot", run_reboot, ret, err);
}

#define TIMEOUT(about)                                                                                       \
    {.name = "timeout", .type = SCHEMA_INTEGER, .optional = true, .range = AT_LEAST(0), .text = (about)}
#define NOT_HERE(key)                                                                                        \
    {.name = (key), .type = SCHEMA_STRING, .optional = true, .max_length = 255, .text = "Only empty."}

const struct endpoint endpoint_start_qemu = QEMU_POWER(
    "start", "Starts a VM, in a task: its devices are reserved, taken from the host, and given to it.",
    start_vm, QEMU_SKIPLOCK,
    {.name = "timeout",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = AT_LEAST(0),
     .fallback = "max(30, vm memory in GiB)",
     .text = "Seconds until QEMU must answer; four times as many with devices of the host."},
    {.name = "force-cpu",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = 1024,
     .text = "Used instead of the key cpu; root@pam only."},
    {.name = "machine",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = 255,
     .text = "Used instead of the key machine."},
    NOT_HERE("stateuri"), NOT_HERE("migratedfrom"), NOT_HERE("migration_type"), NOT_HERE("migration_network"),
    NOT_HERE("targetstorage"), NOT_HERE("nets-host-mtu"), QEMU_OFF("with-conntrack-state", "Only 0."));

const struct endpoint endpoint_stop_qemu =
    QEMU_POWER("stop", "Stops a VM at once, as if its power was cut, and gives its devices back.", stop_vm,
               QEMU_SKIPLOCK, TIMEOUT("Seconds until QEMU gets a signal; default: down= of startup, or 60."),
               QEMU_OFF("keepActive", "Changes nothing; root@pam only."),
               QEMU_OFF("overrule-shutdown", "Ignored: a stop always ends a shutdown that waits."),
               NOT_HERE("migratedfrom"));

const struct endpoint endpoint_shutdown_qemu = QEMU_POWER(
    "shutdown",
    "Asks a VM's guest to shut down, through its agent or with the power button, and waits for that.",
    shutdown_vm, QEMU_SKIPLOCK, QEMU_OFF("forceStop", "Stop it if it has not shut down in time."),
    QEMU_OFF("keepActive", "Changes nothing; root@pam only."),
    TIMEOUT("Seconds to wait; default: down= of startup, or 60."));

const struct endpoint endpoint_reboot_qemu = QEMU_POWER(
    "reboot",
    "Asks a VM's guest to shut down, and when it has powered off starts it again, with pending changes.",
    reboot_vm, TIMEOUT("Seconds to wait for that; default: down= of startup, or 60."));
