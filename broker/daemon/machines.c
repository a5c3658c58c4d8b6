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

#define MOST_ENDS     64
#define ID_PREFIX     "end:"
#define FIRST_WAIT_MS 1000 /* doubled for each try */
#define MOST_DOUBLED  8    /* to 256 s */

const struct schema operation_vms_arguments[] = {{.name = NULL}};
const struct operation operation_vms = {
    .name = "vms",
    .text = "Lists the VMs that run, and those that have ended by themselves.",
    .arguments = operation_vms_arguments,
};

/* One whose end is watched, or that has ended and is cleaned up after. */
struct watched {
    struct watched *next;
    struct machines *machines;
    long long vmid;
    unsigned long long start; /* of its supervisor: another one with this VMID is another machine */
    int end;                  /* of its supervisor, which ends after QEMU and with it; -1: has ended */
    unsigned tries;           /* of cleaning up */
    struct loop_timer next_try;
};

struct machines {
    struct jobs *jobs;
    struct watched *list;
    json_t *ends; /* [{vmid, time, operation}], the newest last */
};

struct machines *machines_new(struct jobs *jobs)
{
    struct machines *machines = xcalloc(1, sizeof(*machines));

    *machines = (struct machines){.jobs = jobs, .ends = json_array()};
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
    loop_cancel_timer(watched->machines->jobs->loop, &watched->next_try);
    free(watched);
}

void machines_free(struct machines *machines)
{
    if (machines == NULL)
        return;
    while (machines->list != NULL)
        forget(machines->list);
    json_decref(machines->ends);
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

/* Notes the end, for the daemon to report in a task. */
static void note_end(struct machines *machines, long long vmid, const char *operation, long long now)
{
    log_info("VM %lld has ended: operation '%s' cleans up", vmid, operation);
    json_array_append_new(machines->ends, json_pack("{s:I, s:I, s:s}", "vmid", (json_int_t)vmid, "time",
                                                    (json_int_t)now, "operation", operation));
    if (json_array_size(machines->ends) > MOST_ENDS)
        json_array_remove(machines->ends, 0);
}

/* A retry of giving back is not noted as another end. */
static void clean_up(struct watched *watched, const struct machine *machine)
{
    struct machines *machines = watched->machines;
    long long vmid = watched->vmid, now = (long long)time(NULL);
    autofree char *id = xasprintf(ID_PREFIX "%lld:%lld", vmid, now);
    bool again = watched->tries++ > 0 || json_object_get(machine->record, "left") != NULL;
    json_t *arguments =
        json_pack("{s:I, s:s, s:i, s:i}", "vmid", (json_int_t)vmid, "how", "ended", "timeout", 0, "force", 0);
    struct error err;

    if (job_start(machines->jobs, &operation_vm_stop, id, arguments, NULL, &err) != 0)
        log_error("VM %lld has ended, and cannot be cleaned up after: %s", vmid, err.message);
    else if (!again)
        note_end(machines, vmid, id, now);
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

static void on_next_try(void *context)
{
    struct watched *watched = context;
    automachine struct machine machine = {.folder = NULL};
    struct error gone;

    if (machine_find(watched->machines->jobs->run_dir, watched->vmid, &machine, &gone) == 0 &&
        !is_claimed(watched->machines, watched->vmid) && !is_being_stopped(watched->machines, watched->vmid))
        clean_up(watched, &machine);
    machines_look(watched->machines);
}

/* The first time at once, then each time after a longer while, and for ever. */
static long long wait_before_try(unsigned tries)
{
    long long milliseconds = tries > 0 ? FIRST_WAIT_MS : 0;

    for (unsigned i = 1; i < tries && i <= MOST_DOUBLED; i++)
        milliseconds *= 2;
    return milliseconds;
}

static void plan_try(struct watched *watched)
{
    struct machines *machines = watched->machines;

    if (watched->next_try.due == 0 && !is_being_stopped(machines, watched->vmid))
        loop_set_timer(machines->jobs->loop, &watched->next_try, wait_before_try(watched->tries), on_next_try,
                       watched);
}

static struct watched *watch(struct machines *machines, const struct machine *machine)
{
    struct watched *watched = xcalloc(1, sizeof(*watched));

    *watched = (struct watched){.next = machines->list,
                                .machines = machines,
                                .vmid = machine->vmid,
                                .start = machine->supervisor.start,
                                .end = process_watch(machine->supervisor),
                                .tries = json_object_get(machine->record, "left") != NULL};
    machines->list = watched;
    if (watched->end >= 0)
        loop_watch(machines->jobs->loop, watched->end, POLLIN, on_end, watched);
    return watched;
}

static void look_at(struct machines *machines, long long vmid)
{
    struct watched *watched = find(machines, vmid);
    automachine struct machine machine = {.folder = NULL};
    struct error gone;

    if (is_claimed(machines, vmid))
        return;
    if (machine_find(machines->jobs->run_dir, vmid, &machine, &gone) != 0)
        return;
    if (watched != NULL && watched->start != machine.supervisor.start) {
        forget(watched);
        watched = NULL;
    }
    if (watched == NULL)
        watched = watch(machines, &machine);
    if (watched->end < 0)
        plan_try(watched);
}

static void forget_those_gone(struct machines *machines)
{
    for (struct watched *watched = machines->list, *next; watched != NULL; watched = next) {
        autofree char *folder = machine_path(machines->jobs->run_dir, watched->vmid, NULL);
        next = watched->next;
        if (access(folder, F_OK) != 0)
            forget(watched);
    }
}

void machines_look(struct machines *machines)
{
    autojson json_t *list = machine_list(machines->jobs->run_dir);
    const json_t *vmid;
    size_t i;

    forget_those_gone(machines);
    json_array_foreach(list, i, vmid)
        look_at(machines, json_integer_value(vmid));
}

static json_t *describe(const struct machines *machines, long long vmid)
{
    autofree char *folder = machine_path(machines->jobs->run_dir, vmid, NULL);
    json_t *row = machine_load(folder, "pid");
    autojson json_t *state = machine_load(folder, "state"), *record = machine_load(folder, "machine");
    json_t *left = json_object_get(record, "left");
    const struct watched *watched = find(machines, vmid);

    if (json_object_get(row, "pid") == NULL) {
        json_decref(row);
        row = json_pack("{s:i}", "starting", 1);
    }
    json_object_del(row, "supervisor");
    json_object_del(row, "supervisor-start");
    if (json_is_object(state))
        json_object_update(row, state);
    if (left != NULL || (watched != NULL && watched->end < 0))
        json_object_set_new(row, "ending", json_integer(1));
    if (left != NULL)
        json_object_set(row, "left", left);
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
