/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMs that run. */
#include "broker/daemon/machines.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/job_run.h"
#include "broker/machine/machine.h"

#define MOST_ENDS 64
#define ID_PREFIX "end:"

const struct schema operation_vms_arguments[] = {{.name = NULL}};
const struct operation operation_vms = {
    .name = "vms",
    .text = "Tells which VMs run, and which have ended by themselves.",
    .arguments = operation_vms_arguments,
};

/* One whose end is watched. */
struct watched {
    struct watched *next;
    struct machines *machines;
    long long vmid;
    int end; /* of its supervisor, which ends after QEMU and with it; -1: has ended */
};

struct machines {
    struct jobs *jobs;
    struct watched *list;
    json_t *ends;  /* [{vmid, time, operation}], the newest last */
    json_t *tried; /* {VMID: when its supervisor started}: of those for which cleaning up has been tried */
};

struct machines *machines_new(struct jobs *jobs)
{
    struct machines *machines = xcalloc(1, sizeof(*machines));

    *machines = (struct machines){.jobs = jobs, .ends = json_array(), .tried = json_object()};
    return machines;
}

static void forget(struct watched *watched)
{
    struct watched **at = &watched->machines->list;

    while (*at != watched)
        at = &(*at)->next;
    *at = watched->next;
    if (watched->end >= 0) {
        loop_unwatch(watched->machines->jobs->loop, watched->end);
        close(watched->end);
    }
    free(watched);
}

void machines_free(struct machines *machines)
{
    if (machines == NULL)
        return;
    while (machines->list != NULL)
        forget(machines->list);
    json_decref(machines->ends);
    json_decref(machines->tried);
    free(machines);
}

bool machines_owns_id(const char *id)
{
    return text_starts_with(id, ID_PREFIX);
}

static struct watched *find(const struct machines *machines, long long vmid)
{
    struct watched *watched = machines->list;

    while (watched != NULL && watched->vmid != vmid)
        watched = watched->next;
    return watched;
}

static void clean_up(struct machines *machines, long long vmid)
{
    long long now = (long long)time(NULL);
    autofree char *id = xasprintf(ID_PREFIX "%lld:%lld", vmid, now);
    json_t *arguments =
        json_pack("{s:I, s:s, s:i, s:i}", "vmid", (json_int_t)vmid, "how", "ended", "timeout", 0, "force", 0);
    struct error err;

    if (job_start(machines->jobs, &operation_vm_stop, id, arguments, NULL, &err) != 0) {
        log_error("VM %lld has ended, and cannot be cleaned up after: %s", vmid, err.message);
        return;
    }
    log_info("VM %lld has ended: operation '%s' cleans up", vmid, id);
    json_array_append_new(machines->ends, json_pack("{s:I, s:I, s:s}", "vmid", (json_int_t)vmid, "time",
                                                    (json_int_t)now, "operation", id));
    if (json_array_size(machines->ends) > MOST_ENDS)
        json_array_remove(machines->ends, 0);
}

/* One that is being started or cleaned up belongs to that operation, whose end we are told. */
static bool is_claimed(const struct machines *machines, long long vmid)
{
    autofree char *name = xasprintf("vm:%lld", vmid);
    bool claimed = true;
    struct error err;

    if (journal_is_claimed(machines->jobs->journal, name, &claimed, &err) != 0)
        log_error("cannot read whether VM %lld is being changed: %s", vmid, err.message);
    return claimed;
}

static bool is_being_stopped(const struct machines *machines, long long vmid)
{
    for (const struct job *job = machines->jobs->list; job != NULL; job = job->next)
        if (job->operation == &operation_vm_stop && job->state != JOB_ENDED &&
            json_integer_value(json_object_get(job->arguments, "vmid")) == vmid)
            return true;
    return false;
}

static void on_end(void *context, short events)
{
    struct watched *watched = context;
    struct machines *machines = watched->machines;

    (void)events;
    forget(watched);
    machines_look(machines);
}

/* Once for each start: what fails once would fail for ever. The next broker tries again. */
static void clean_up_once(struct machines *machines, const struct machine *machine)
{
    autofree char *vmid = xasprintf("%lld", machine->vmid);
    autojson json_t *start = json_integer((json_int_t)machine->supervisor.start);

    if (is_being_stopped(machines, machine->vmid) ||
        json_equal(json_object_get(machines->tried, vmid), start))
        return;
    json_object_set(machines->tried, vmid, start);
    clean_up(machines, machine->vmid);
}

static void watch(struct machines *machines, const struct machine *machine)
{
    int end = process_watch(machine->supervisor);
    struct watched *watched;

    if (end < 0) {
        clean_up_once(machines, machine);
        return;
    }
    watched = xcalloc(1, sizeof(*watched));
    *watched =
        (struct watched){.next = machines->list, .machines = machines, .vmid = machine->vmid, .end = end};
    machines->list = watched;
    loop_watch(machines->jobs->loop, end, POLLIN, on_end, watched);
}

void machines_look(struct machines *machines)
{
    autojson json_t *list = machine_list(machines->jobs->run_dir);
    const json_t *vmid;
    size_t i;

    json_array_foreach(list, i, vmid) {
        automachine struct machine machine = {.folder = NULL};
        struct error ignored;
        long long number = json_integer_value(vmid);
        if (find(machines, number) == NULL && !is_claimed(machines, number) &&
            machine_find(machines->jobs->run_dir, number, &machine, &ignored) == 0)
            watch(machines, &machine);
    }
}

static json_t *describe(const struct machines *machines, long long vmid)
{
    autofree char *folder = machine_path(machines->jobs->run_dir, vmid, NULL);
    json_t *row = machine_load(folder, "pid");
    autojson json_t *state = machine_load(folder, "state");

    if (!json_is_object(row)) {
        json_decref(row);
        row = json_pack("{s:i}", "starting", 1);
    }
    json_object_del(row, "supervisor");
    json_object_del(row, "supervisor-start");
    if (json_is_object(state))
        json_object_update(row, state);
    return row;
}

json_t *machines_describe(const struct machines *machines)
{
    autojson json_t *list = machine_list(machines->jobs->run_dir);
    json_t *vms = json_object();
    const json_t *vmid;
    size_t i;

    json_array_foreach(list, i, vmid) {
        autofree char *name = xasprintf("%lld", json_integer_value(vmid));
        json_object_set_new(vms, name, describe(machines, json_integer_value(vmid)));
    }
    return json_pack("{s:o, s:O}", "vms", vms, "ends", machines->ends);
}
