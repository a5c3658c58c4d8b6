/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: what happens when a worker has ended. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/loop.h"
#include "broker/process.h"
#include "broker/protocol.h"

#define RECOVERIES 5 /* workers that may die over the same functions */
#define RETRY_MS   1000

/* A worker of an earlier broker that still lives, in the kernel; the oldest, for which the others wait. */
static json_t *find_survivor(const struct job *job)
{
    size_t i;
    json_t *worker;

    json_array_foreach(job->workers, i, worker) {
        unsigned long long start;
        pid_t pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
        if (process_start_time(pid, &start) &&
            (json_int_t)start == json_integer_value(json_object_get(worker, "start-time")))
            return worker;
    }
    return NULL;
}

static int begin_recovery(struct loop *loop, struct job *job, json_t *touched, struct error *err)
{
    autojson json_t *arguments = json_pack("{s:s, s:O}", "operation", job->id, "touched", touched);
    json_t *survivor = find_survivor(job);

    if (survivor != NULL)
        json_object_set(arguments, "waits-for", survivor);
    if (job->failure != NULL)
        json_object_set_new(arguments, "failed", json_integer(1));
    if (job_spawn(loop, job, operation_recover.run, arguments, err) != 0)
        return -1;
    if (journal_resume(loop->journal, job->number, job_worker(job), err) == 0)
        return 0;
    job_kill(job);
    return -1;
}

static void recover(struct loop *loop, struct job *job, json_t *touched)
{
    struct error err;

    job->recovers = true;
    job->retry = 0;
    json_decref(TAKE(job->said));
    if (begin_recovery(loop, job, touched, &err) == 0)
        return;
    log_error("%s '%s' cannot be brought back now: %s", job->operation->name, job->id, err.message);
    job->retry = loop_clock() + RETRY_MS;
}

static void say_end(const struct job *job)
{
    long long seconds = (long long)(time(NULL) - job->started);
    struct error err;

    if (json_object_get(job->end, "error") == NULL) {
        log_info("%s '%s' is done after %lld s", job->operation->name, job->id, seconds);
        return;
    }
    protocol_unpack_error(job->end, &err);
    log_warning("%s '%s' failed after %lld s: %s", job->operation->name, job->id, seconds, err.message);
}

/* Nobody hears of the end before it is in the journal. */
static void finish(struct loop *loop, struct job *job)
{
    struct error err;

    if (journal_end(loop->journal, job->number, job->end, &err) != 0) {
        if (job->retry == 0)
            log_error("the end of %s '%s' waits: %s", job->operation->name, job->id, err.message);
        job->retry = loop_clock() + RETRY_MS;
        return;
    }
    say_end(job);
    job->over = true;
    client_send_all(loop, job->number);
    loop_apply_choices(loop);
}

static json_t *interrupted(bool open)
{
    struct error err;

    error_set(&err, ERROR_FAILED, "interrupted; %s: its log says how far it came",
              open ? "what it touched could not be brought back" : "nothing was left half done");
    return protocol_pack_error(&err);
}

/* What failed first, and where everything is now. */
static json_t *combine(const struct job *job, bool open)
{
    bool explained = json_object_get(job->said, "error") != NULL;
    struct error first, second;

    if (job->failure == NULL)
        return explained ? json_incref(job->said) : interrupted(open);
    protocol_unpack_error(job->failure, &first);
    if (!explained)
        return protocol_pack_error(&first);
    protocol_unpack_error(job->said, &second);
    error_prefix(&second, "%.500s; ", first.message);
    second.kind = first.kind;
    return protocol_pack_error(&second);
}

static void complain(struct loop *loop, struct job *job, const json_t *touched)
{
    size_t i;
    const json_t *row;

    json_array_foreach(touched, i, row) {
        const char *function = json_string_value(json_object_get(row, "id"));
        job_log(loop, job, "%s is not where it belongs: give it to a driver again, or start the broker anew",
                function);
        log_error("%s '%s' leaves %s where it does not belong", job->operation->name, job->id, function);
    }
}

void job_go_on(struct loop *loop, struct job *job)
{
    autojson json_t *touched = NULL;
    struct error err;

    if (job->end != NULL) {
        finish(loop, job);
        return;
    }
    if (journal_read_touched(loop->journal, job->number, &touched, &err) != 0) {
        log_error("%s '%s': %s", job->operation->name, job->id, err.message);
        job->retry = loop_clock() + RETRY_MS;
        return;
    }
    bool open = json_array_size(touched) > 0;
    if (open && (!job->recovers || (job->said == NULL && job->recoveries < RECOVERIES))) {
        if (json_object_get(job->said, "error") != NULL)
            job->failure = TAKE(job->said);
        recover(loop, job, touched);
        return;
    }
    complain(loop, job, touched);
    if (job->recovers)
        job->end = combine(job, open);
    else
        job->end = job->said != NULL ? TAKE(job->said) : interrupted(false);
    finish(loop, job);
}

void job_resume(struct loop *loop, const json_t *row)
{
    const struct operation *operation = operation_find(json_string_value(json_object_get(row, "operation")));
    struct job *job = job_new(operation != NULL ? operation : &operation_recover,
                              json_string_value(json_object_get(row, "id")),
                              json_incref(json_object_get(row, "arguments")));

    job->number = json_integer_value(json_object_get(row, "number"));
    job->started = (time_t)json_integer_value(json_object_get(row, "started"));
    job->lines = (int)json_integer_value(json_object_get(row, "lines"));
    job->workers = json_incref(json_object_get(row, "workers"));
    if (json_object_get(json_object_get(row, "end"), "error") != NULL)
        job->failure = json_incref(json_object_get(row, "end"));
    job_add(loop, job);
    log_warning("%s '%s' was cut off by the end of an earlier broker", job->operation->name, job->id);
    job_log(loop, job, "the broker has ended meanwhile, and is here again");
    job_go_on(loop, job);
}

static void end_reader(struct loop *loop, struct job *job)
{
    struct error err;

    if (job->said == NULL) {
        error_set(&err, ERROR_FAILED, "the process that did '%s' died", job->operation->name);
        job->said = protocol_pack_error(&err);
    }
    job_answer(loop, job, TAKE(job->said));
    job->over = true;
}

static void say_death(struct loop *loop, struct job *job, int status)
{
    autofree char *how = WIFSIGNALED(status) ? xasprintf("was killed by signal %d", WTERMSIG(status))
                                             : xasprintf("ended with status %d", WEXITSTATUS(status));

    job_log(loop, job, "the process that did this %s", how);
    log_error("the worker %d of %s '%s' %s", (int)job->worker, job->operation->name,
              job->id != NULL ? job->id : "", how);
}

void job_reap(struct loop *loop, struct job *job, int status)
{
    while (job->said == NULL && job_hear(loop, job))
        continue;
    if (job->socket >= 0)
        close(job->socket);
    job->socket = -1;
    if (job->said == NULL)
        say_death(loop, job, status);
    job->worker = 0;
    job->waiting = 0;
    job->recoveries += job->recovers;
    if (job->id == NULL)
        end_reader(loop, job);
    else if (job->recovers && job->said == NULL)
        job->retry = loop_clock() + ((int64_t)RETRY_MS << job->recoveries);
    else
        job_go_on(loop, job);
}
