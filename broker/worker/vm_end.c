/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a VM's QEMU. */
#include "broker/worker/vm_end.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/machine/nodes.h"
#include "broker/operations.h"
#include "broker/protocol.h"
#include "broker/worker/unit.h"
#include "broker/worker/vm_devices.h"

#define QUIET_MS 4000 /* less than the broker's patience with a silent worker */
#define KILL_MS  30000
#define TRIES    600 /* of 50 ms */

void vm_claim_name(long long vmid, char ret[static VM_CLAIM_SIZE])
{
    snprintf(ret, VM_CLAIM_SIZE, "vm:%lld", vmid);
}

long long vm_id(const struct worker *worker)
{
    return json_integer_value(json_object_get(worker->arguments, "vmid"));
}

int vm_claim(struct worker *worker, const json_t *claims, struct error *err)
{
    for (unsigned i = 0; worker_claim(worker, claims, err) != 0; i++) {
        if (err->kind != ERROR_BUSY || i >= TRIES)
            return -1;
        nanosleep(&(const struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return 0;
}

static bool wait_for(struct worker *worker, long long vmid, struct process process, long long deadline)
{
    autoclose int end = process_watch(process);
    char name[VM_CLAIM_SIZE];
    struct error ignored;

    vm_claim_name(vmid, name);
    while (end >= 0) {
        long long left = deadline - clock_milliseconds();
        struct pollfd watched = {.fd = end, .events = POLLIN};
        if (poll(&watched, 1, left <= 0 ? 0 : left > QUIET_MS ? QUIET_MS : (int)left) > 0)
            return true;
        if (left <= 0 || (worker->operation[0] != '\0' &&
                          worker_step(worker, name, "wait for QEMU to end", &ignored) != 0))
            return false;
    }
    return true;
}

bool vm_wait(struct worker *worker, const struct machine *machine, long long milliseconds)
{
    long long deadline = clock_milliseconds() + milliseconds;

    return wait_for(worker, machine->vmid, machine->qemu, deadline) &&
           wait_for(worker, machine->vmid, machine->supervisor, deadline);
}

int vm_kill(struct worker *worker, const struct machine *machine, struct error *err)
{
    machine_signal(machine, SIGKILL);
    if (vm_wait(worker, machine, KILL_MS))
        return 0;
    return error_set(err, ERROR_BUSY, "the kernel has not ended QEMU (process %d) for %d s",
                     (int)machine->qemu.pid, KILL_MS / 1000);
}

static void tell_end(struct worker *worker, const struct machine *machine)
{
    autojson json_t *lines = NULL;
    autofree char *how = machine_describe_end(machine, &lines);
    json_t *line;
    size_t i;

    json_array_foreach(lines, i, line)
        worker_log(worker, "QEMU: %s", json_string_value(line));
    worker_log(worker, "%s", how);
}

/* The supervisor has done it, unless it was killed. */
static int take_nodes_back(struct worker *worker, const struct machine *machine, struct error *err)
{
    autojson json_t *order = machine_load(machine->folder, "order"),
                    *end = machine_load(machine->folder, "end");
    char name[VM_CLAIM_SIZE];

    if (!nodes_are_given(order) && (end != NULL || machine->supervisor.pid == 0))
        return 0;
    vm_claim_name(machine->vmid, name);
    return unit_run(worker, name, PROGRAM_GIVE_BACK, machine->folder, err) == 0
               ? 0
               : error_prefix(err, "device nodes still belong to the VM's user: ");
}

/* The folder stays, and with it the user: no other VM may get what this one still has. */
static int keep(const struct machine *machine, struct error *err)
{
    struct error late;

    if (machine->record == NULL) /* then nothing was taken either */
        return -1;
    json_object_set_new(machine->record, "left", protocol_text(err->message));
    if (machine_save(machine->folder, "machine", machine->record, &late) != 0)
        return error_set(err, ERROR_FAILED, "%.700s; %.300s", err->message, late.message);
    return -1;
}

int vm_clean_up(struct worker *worker, const struct machine *machine, struct error *err)
{
    struct error late;

    if (machine->past)
        return machine_remove(machine, err);
    if (machine->qemu.pid != 0 && json_object_get(machine->record, "left") == NULL)
        tell_end(worker, machine);
    int nodes = take_nodes_back(worker, machine, err);
    int devices = vm_devices_give_back(worker, machine->record, nodes == 0 ? err : &late);
    return nodes == 0 && devices == 0 ? machine_remove(machine, err) : keep(machine, err);
}

/* The claims bring the functions back; what else there is must go before the folder, which says so. Only QEMU
 * keeps a function from going back: what fails here is tried again as after any other end. */
static int end_for_good(struct worker *worker, const struct machine *machine, struct text *where,
                        struct error *err)
{
    struct error late;

    if (vm_kill(worker, machine, err) != 0)
        return -1;
    int nodes = take_nodes_back(worker, machine, err);
    int mediated = vm_devices_remove_mediated(worker, machine->record, nodes == 0 ? err : &late);
    if (nodes == 0 && mediated == 0)
        return machine_remove(machine, err);
    json_object_set_new(machine->record, "functions", json_array());
    keep(machine, err);
    text_printf(where, "is not wholly cleaned up after, which is tried again (%s), and ", err->message);
    return 0;
}

int vm_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id");
    automachine struct machine machine = {.folder = NULL};
    long long vmid = strtoll(strchr(id, ':') != NULL ? strchr(id, ':') + 1 : "0", NULL, 10);
    struct error err;

    bool there = machine_find(worker->run_dir, vmid, &machine, &err) == 0;
    if (there && end_for_good(worker, &machine, where, &err) != 0) {
        text_printf(where, "is not ended: %s", err.message);
        return -1;
    }
    worker_release(worker, id);
    text_append(where, "does not run");
    return 0;
}
