/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_stop: ends a VM's QEMU, and cleans up after it; and what cleans up after one that has ended by
 * itself. */
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_guest.h"
#include "vm/qmp/qmp.h"

#define QMP_MS  5000
#define TERM_MS 10000

const struct schema operation_vm_stop_arguments[] = {
    ARGUMENT_VMID,
    {.name = "how",
     .type = SCHEMA_STRING,
     .values = VALUES("quit", "powerdown", "ended"),
     .text = "QEMU is told to quit; the guest to power off; or QEMU has ended by itself."},
    {.name = "timeout",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .fallback = "60",
     .range = RANGE(0, 86400),
     .text = "Seconds until it is ended by other means."},
    {.name = "force",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "A guest that does not power off in time is ended."},
    {.name = NULL}};

static void tell(struct worker *worker, const struct machine *machine, const char *command)
{
    autofree char *file = xasprintf("%lld.qmp", machine->vmid);
    autofree char *path = machine_path(worker->run_dir, machine->vmid, file);
    autoqmp struct qmp *qmp = NULL;
    struct error err;

    if (qmp_open(path, QMP_MS, &qmp, &err) != 0 || qmp_execute(qmp, command, NULL, QMP_MS, NULL, &err) != 0)
        worker_log(worker, "%s", err.message);
}

/* By its agent, where it has one that answers; else by the power button, which a guest may not hear. */
static void ask_guest(struct worker *worker, const struct machine *machine)
{
    struct error err;

    if (vm_guest_has_channel(machine)) {
        if (vm_guest_shut_down(machine, &err) == 0)
            return;
        worker_log(worker, "%s: pressing the power button", err.message);
    }
    tell(worker, machine, "system_powerdown");
}

/* Quit, and what follows if that does not help. */
static int end_qemu(struct worker *worker, const struct machine *machine, long long milliseconds,
                    struct error *err)
{
    tell(worker, machine, "quit");
    if (vm_wait(worker, machine, milliseconds))
        return 0;
    worker_log(worker, "VM still running - terminating now with SIGTERM");
    machine_signal(machine, SIGTERM);
    if (vm_wait(worker, machine, TERM_MS))
        return 0;
    worker_log(worker, "VM still running - terminating now with SIGKILL");
    return vm_kill(worker, machine, err);
}

static int end(struct worker *worker, const struct machine *machine, struct error *err)
{
    const char *how = json_text(worker->arguments, "how");
    long long milliseconds = json_integer_value(json_object_get(worker->arguments, "timeout")) * 1000;

    if (strcmp(how, "ended") == 0)
        return vm_kill(worker, machine, err);
    if (strcmp(how, "quit") == 0)
        return end_qemu(worker, machine, milliseconds, err);
    ask_guest(worker, machine);
    if (vm_wait(worker, machine, milliseconds))
        return 0;
    if (json_integer_value(json_object_get(worker->arguments, "force")) == 0)
        return error_set(err, ERROR_FAILED, "VM quit/powerdown failed - got timeout");
    return end_qemu(worker, machine, milliseconds, err);
}

/* One of several that wait for the same end cleans up, and the others until it has. */
static int clean_up(struct worker *worker, long long vmid, struct error *err)
{
    char name[VM_CLAIM_SIZE];

    vm_claim_name(vmid, name);
    autojson json_t *claims = json_pack("[{s:s}]", "id", name);
    if (vm_claim(worker, claims, err) != 0)
        return -1;
    automachine struct machine machine = {.folder = NULL};
    int result = 0;
    if (machine_find(worker->run_dir, vmid, &machine, err) == 0 && !process_runs(machine.qemu))
        result = vm_clean_up(worker, &machine, err);
    worker_release(worker, name);
    return result;
}

static int stop_vm(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    long long vmid = vm_id(worker);
    struct error none;

    *ret = json_object();
    if (machine_find(worker->run_dir, vmid, &machine, &none) != 0)
        return 0; /* what does not run is stopped */
    return end(worker, &machine, err) == 0 ? clean_up(worker, vmid, err) : -1;
}

const struct operation operation_vm_stop = {
    .name = "vm_stop",
    .text = "Ends a VM's QEMU and gives back what it had.",
    .arguments = operation_vm_stop_arguments,
    .changes = true,
    .run = stop_vm,
};
