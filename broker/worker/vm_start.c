/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_start: starts a VM's QEMU. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/undo.h"
#include "broker/worker/unit.h"
#include "broker/worker/vm_devices.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_nodes.h"
#include "broker/worker/vm_order.h"
#include "vm/qmp/qmp.h"

#define TURN_MS 3000     /* less than the broker's patience with a silent worker */
#define LOOK_NS 5000000L /* between two looks at a file that is about to change */

const struct schema operation_vm_start_arguments[] = {
    ARGUMENT_VMID,
    {.name = "config",
     .type = SCHEMA_OBJECT,
     .open = true,
     .text = "Its configuration, as the start sees it."},
    {.name = "assigned",
     .type = SCHEMA_OBJECT,
     .open = true,
     .optional = true,
     .text = "What each hostpciN gets: {hostpci0: {ids, uuid, live-migration}}."},
    {.name = "usb",
     .type = SCHEMA_OBJECT,
     .open = true,
     .optional = true,
     .text = "The device that each usbN with a mapping gets: {usb0: 1-2}."},
    {.name = "timeout",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .fallback = "30",
     .range = RANGE(1, 86400),
     .text = "Seconds that QEMU has to answer."},
    {.name = NULL}};

static json_t *make_claims(const char *name, const struct vm_devices *devices, bool whole)
{
    json_t *claims =
        whole ? json_pack("[{s:s, s:i}]", "id", name, "machine", 1) : json_pack("[{s:s}]", "id", name);
    autojson json_t *functions = vm_devices_pack_claims(devices, whole);

    json_array_extend(claims, functions);
    return claims;
}

/* The last words of a QEMU that has ended, or that it does not answer. */
static int explain(struct worker *worker, struct machine *machine, const struct error *why, struct error *err)
{
    autojson json_t *lines = NULL;
    json_t *line;
    size_t i;

    if (!vm_wait(worker, machine, why->kind == ERROR_BUSY ? 0 : TURN_MS))
        return error_set(err, ERROR_FAILED, "start failed: %s", why->message);
    autofree char *how = machine_describe_end(machine, &lines);
    json_array_foreach(lines, i, line)
        worker_log(worker, "%s", json_string_value(line));
    return error_set(err, ERROR_FAILED, "start failed: %s", how);
}

static int greet(struct worker *worker, const struct machine *machine, const char *name, struct qmp **ret,
                 struct error *err)
{
    long long seconds = json_integer_value(json_object_get(worker->arguments, "timeout"));
    long long deadline = clock_milliseconds() + seconds * 1000;
    autofree char *file = xasprintf("%lld.qmp", machine->vmid),
                  *path = machine_path(worker->run_dir, machine->vmid, file);
    struct error stopped;

    for (;;) {
        long long left = deadline - clock_milliseconds();
        if (qmp_open(path, (unsigned)(left < 1 ? 1 : left > TURN_MS ? TURN_MS : left), ret, err) == 0)
            return 0;
        if (err->kind != ERROR_BUSY || left <= 0)
            return -1;
        if (worker_step(worker, name, "wait for QEMU to answer", &stopped) != 0) {
            *err = stopped;
            return -1;
        }
    }
}

/* What the supervisor says, or how QEMU ended before the supervisor could say that it runs, or else how that
 * one ended. */
static int tell_failure(struct worker *worker, struct machine *machine, struct error *err)
{
    autojson json_t *end = machine_load(machine->folder, "end");
    const char *text = json_text_or(end, "error", NULL);
    struct error why = *err;

    if (text != NULL)
        return error_set(err, ERROR_FAILED, "%s", text);
    return end != NULL ? explain(worker, machine, &why, err) : error_prefix(err, "start failed: ");
}

/* The order first: most that can be wrong with a VM is found without touching a device. */
static int prepare(struct worker *worker, struct vm_devices *devices, struct machine *machine,
                   struct error *err)
{
    autojson json_t *order = NULL;

    if (vm_order_make(worker, machine, &order, err) != 0 || vm_nodes_add(worker, order, err) != 0 ||
        vm_devices_take(worker, devices, machine, err) != 0)
        return -1;
    vm_devices_add_order(worker, devices, order);
    return machine_save(machine->folder, "order", order, err);
}

/* Whoever asks after the start is told that it runs: its supervisor hears of it a moment later than we do. */
static void wait_until_told(const struct machine *machine)
{
    long long deadline = clock_milliseconds() + TURN_MS;

    for (;;) {
        autojson json_t *state = machine_load(machine->folder, "state");
        if (strcmp(json_text_or(state, "qmpstatus", "prelaunch"), "prelaunch") != 0 ||
            clock_milliseconds() > deadline)
            return;
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

static int run(struct worker *worker, struct machine *machine, const char *name, struct error *err)
{
    autoqmp struct qmp *qmp = NULL;
    long long vmid = machine->vmid;
    struct error why;

    if (unit_run(worker, name, PROGRAM_SUPERVISE, machine->folder, err) != 0)
        return tell_failure(worker, machine, err);
    machine_release(machine);
    if (machine_find(worker->run_dir, vmid, machine, err) != 0)
        return -1;
    if (greet(worker, machine, name, &qmp, &why) != 0 || worker_step(worker, name, "let it run", &why) != 0 ||
        qmp_execute(qmp, "cont", NULL, TURN_MS, NULL, &why) != 0)
        return explain(worker, machine, &why, err);
    wait_until_told(machine);
    return 0;
}

static int undo(struct worker *worker, const json_t *claims, struct error *err)
{
    autotext struct text where = {0};

    worker->undoing = true;
    return undo_claims(worker, claims, &where) == 0
               ? -1
               : error_set(err, ERROR_FAILED, "%.700s; %s", err->message, text_string(&where));
}

/* From here on all that is claimed is undone by the claims. */
static int start_claimed(struct worker *worker, struct vm_devices *devices, const json_t *claims,
                         struct machine *machine, struct error *err)
{
    long long vmid = vm_id(worker);
    char name[VM_CLAIM_SIZE];
    json_t *record = vm_devices_describe(worker, devices);

    vm_claim_name(vmid, name);
    json_object_set_new(record, "vmid", json_integer((json_int_t)vmid));
    if (machine_make(worker->run_dir, worker->uid_base, vmid, record, machine, err) == 0 &&
        prepare(worker, devices, machine, err) == 0 && run(worker, machine, name, err) == 0)
        return 0;
    return undo(worker, claims, err);
}

static void release(struct worker *worker, const json_t *claims)
{
    const json_t *claim;
    size_t i;

    json_array_foreach(claims, i, claim)
        worker_release(worker, json_text(claim, "id"));
}

/* What exists before the claim is whole belongs to a VM that runs. */
static int check_stopped(const struct worker *worker, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};

    if (machine_find(worker->run_dir, vm_id(worker), &machine, err) != 0)
        return 0;
    if (json_object_get(machine.record, "left") == NULL)
        return error_set(err, ERROR_FAILED, "VM %lld already running", vm_id(worker));
    return error_set(err, ERROR_FAILED,
                     "VM %lld has ended, but not all that it had is back, which is tried again: %s",
                     vm_id(worker), json_text(machine.record, "left"));
}

static int start_vm(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    autovmdevices struct vm_devices devices = {.mediated = NULL};
    char name[VM_CLAIM_SIZE];

    vm_claim_name(vm_id(worker), name);
    if (vm_devices_find(worker, &devices, err) != 0)
        return -1;
    autojson json_t *first = make_claims(name, &devices, false), *claims = NULL;
    if (worker_claim(worker, first, err) != 0)
        return -1;
    if (check_stopped(worker, err) == 0 && vm_devices_prepare(worker, &devices, err) == 0) {
        claims = make_claims(name, &devices, true);
        if (worker_claim(worker, claims, err) == 0) {
            if (start_claimed(worker, &devices, claims, &machine, err) != 0)
                return -1;
            vm_devices_finish(worker, &devices);
            worker_release(worker, name);
            *ret = json_pack("{s:i, s:I}", "pid", (int)machine.qemu.pid, "start",
                             (json_int_t)machine.qemu.start);
            return 0;
        }
    }
    release(worker, first);
    return -1;
}

const struct operation operation_vm_start = {
    .name = "vm_start",
    .text = "Starts a VM's QEMU.",
    .arguments = operation_vm_start_arguments,
    .changes = true,
    .run = start_vm,
};
