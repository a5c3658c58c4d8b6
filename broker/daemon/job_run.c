/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The course of a job: start, silence, the end of a worker, undoing, the end. */
#include "broker/daemon/job_run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/job_messages.h"
#include "broker/process.h"
#include "broker/protocol.h"

#define RECOVERIES 5 /* workers that may die over the same functions */
#define RETRY_MS   1000

static void on_exit_of_worker(void *context, short events);
static void on_message(void *context, short events);
static void on_timer(void *context);

static const char *id_of(const struct job *job)
{
    return job->id != NULL ? job->id : "";
}

static void set_timer(struct job *job, long long milliseconds)
{
    loop_set_timer(job->jobs->loop, &job->timer, milliseconds, on_timer, job);
}

/* The worker has said something, so the time after which it counts as silent begins again. */
static void note_sign_of_life(struct job *job)
{
    unsigned seconds = job->operation->patience;

    job->heard = clock_milliseconds();
    set_timer(job, seconds != 0 ? (long long)seconds * 1000 : JOB_PATIENCE_MS);
    if (!job_is_silent(job))
        return;
    long long silence = (long long)(time(NULL) - job->silent_since);
    job_enter(job, job->state == JOB_SILENT ? JOB_RUNNING : JOB_UNDOING);
    job_log(job, "the kernel came back after %lld s", silence);
    log_info("%s '%s': the kernel came back after %lld s", job->operation->name, id_of(job), silence);
}

/* Called before the worker starts, so that the journal knows every worker. */
static int enter_in_journal(struct job *job, pid_t pid, struct error *err)
{
    struct journal_worker worker = {.pid = pid};
    struct journal *journal = job->jobs->journal;
    unsigned long long start;

    if (job->id == NULL)
        return 0;
    if (process_start_time(pid, &start))
        worker.start = (int64_t)start;
    if (job->number == 0)
        return journal_start(journal, job->id, job->operation->name, job->arguments, worker, &job->number,
                             err);
    return journal_resume(journal, job->number, worker, err);
}

static int start_worker(struct job *job, operation_function *run, json_t *arguments, enum job_state state,
                        struct error *err)
{
    const struct worker_host host = {job->jobs->sysroot, job->jobs->helper,  job->jobs->rom_dir,
                                     job->jobs->run_dir, job->jobs->qemu,    job->jobs->volume_dirs,
                                     job->jobs->store,   job->jobs->uid_base};
    struct worker_process worker;

    if (spawn_worker(&host, run, id_of(job), arguments, &worker, err) != 0)
        return -1;
    if (enter_in_journal(job, worker.pid, err) != 0) {
        spawn_discard(&worker);
        return -1;
    }
    job->worker = worker;
    job_enter(job, state);
    loop_watch(job->jobs->loop, worker.socket, POLLIN, on_message, job);
    loop_watch(job->jobs->loop, worker.pidfd, POLLIN, on_exit_of_worker, job);
    job_send(job, "start", NULL);
    note_sign_of_life(job);
    return 0;
}

/* Refuses a reading that is equal to one that hangs, since it would hang, too. */
static int check_reading(const struct jobs *jobs, const struct operation *operation, const json_t *arguments,
                         struct error *err)
{
    for (const struct job *job = jobs->list; job != NULL; job = job->next)
        if (job->operation == operation && job_is_silent(job) && json_equal(job->arguments, arguments))
            return error_set(err, ERROR_BUSY,
                             "the kernel does not answer: the last reading of the same has not come back for "
                             "%lld seconds",
                             (long long)(time(NULL) - job->silent_since));
    if (jobs->readers >= JOB_READERS)
        return error_set(err, ERROR_BUSY, "%u readings at once are too many: try again later", jobs->readers);
    return 0;
}

int job_start(struct jobs *jobs, const struct operation *operation, const char *id, json_t *arguments,
              struct job **ret, struct error *err)
{
    struct job *job = job_new(jobs, operation, id, arguments);
    int result = 0;

    if (jobs->count >= JOB_LIMIT)
        result =
            error_set(err, ERROR_BUSY, "%u operations at once are too many: try again later", jobs->count);
    else if (id == NULL)
        result = check_reading(jobs, operation, arguments, err);
    if (result != 0 || start_worker(job, operation->run, arguments, JOB_RUNNING, err) != 0) {
        job_free(job);
        return -1;
    }
    job_add(job);
    if (ret != NULL)
        *ret = job;
    return 0;
}

void job_stop(struct job *job)
{
    job->stop = true;
    job_log(job, "a stop was requested: the operation is undone after its current step");
}

static char *find_silence(const struct job *job)
{
    autofree char *root = sysroot_join(job->jobs->sysroot, "");
    const char *step = job->step != NULL ? job->step : "reading";
    char file[PATH_MAX];

    if (process_open_file(job->worker.pid, root, file, sizeof(file)))
        return xasprintf("%s, in %s", step, file);
    return xstrdup(step);
}

static void become_silent(struct job *job)
{
    const char *function = job->function != NULL ? job->function : "";
    const char *colon = job->function != NULL ? ": " : "";
    char since[32];
    struct tm local;

    job_enter(job, job->state == JOB_RUNNING ? JOB_SILENT : JOB_UNDOING_SILENT);
    job->silent_since = time(NULL) - (time_t)((clock_milliseconds() - job->heard) / 1000);
    free(job->silent_in);
    job->silent_in = find_silence(job);
    strftime(since, sizeof(since), "%H:%M:%S", localtime_r(&job->silent_since, &local));
    job_log(job, "waiting for the kernel since %s: %s%s%s", since, function, colon, job->silent_in);
    log_warning("%s '%s' waits for the kernel since %s: %s%s%s", job->operation->name, id_of(job), since,
                function, colon, job->silent_in);
    if (job->id != NULL)
        return;
    struct error err;
    error_set(&err, ERROR_FAILED,
              "the kernel does not answer: '%s' has not come back for %u seconds; the broker's log names the "
              "file",
              job->operation->name, job->operation->patience);
    job_answer(job, protocol_pack_error(&err));
}

static void try_later(struct job *job, enum job_state state, long long milliseconds)
{
    job_enter(job, state);
    set_timer(job, milliseconds);
}

static void log_end(const struct job *job)
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

/* Nobody learns the end before it is in the journal. */
static void end(struct job *job)
{
    bool first = job->state != JOB_ENDING;
    struct error err;

    if (journal_end(job->jobs->journal, job->number, job->end, &err) != 0) {
        if (first)
            log_error("the end of %s '%s' is not in the journal yet: %s", job->operation->name, job->id,
                      err.message);
        try_later(job, JOB_ENDING, RETRY_MS);
        return;
    }
    log_end(job);
    if (first)
        job_enter(job, JOB_ENDING);
    job_enter(job, JOB_ENDED);
    job->jobs->changed(job->jobs->context, job->number);
}

static json_t *interrupted(bool open)
{
    struct error err;

    error_set(&err, ERROR_FAILED, "interrupted; %s: its log says how far it came",
              open ? "what it changed could not be brought back" : "nothing was left half done");
    return protocol_pack_error(&err);
}

static const json_t *find_failure(const struct job *job)
{
    return json_object_get(job->outcome, "error") != NULL ? job->outcome : NULL;
}

/* What failed first, and where everything is now. `open`: some functions are left half-way. */
static json_t *make_end(const struct job *job, bool open)
{
    bool explained = json_object_get(job->undone, "error") != NULL;
    const json_t *failure = find_failure(job);
    struct error first, second;

    if (job->recoveries == 0 && job->outcome != NULL)
        return json_incref(job->outcome);
    if (failure == NULL)
        return explained ? json_incref(job->undone) : interrupted(open);
    protocol_unpack_error(failure, &first);
    if (!explained)
        return protocol_pack_error(&first);
    protocol_unpack_error(job->undone, &second);
    error_prefix(&second, "%.500s; ", first.message);
    second.kind = first.kind;
    return protocol_pack_error(&second);
}

/* What is left to do by hand, depending on the kind of claim (broker/protocol.h). */
static const char *advise(const json_t *claim)
{
    static const struct {
        const char *member, *advice;
    } kinds[] = {
        {"numvfs", "set its number of virtual functions again"},
        {"mdev", "create or remove the mediated device again"},
        {"files", "see above which of its files have the wrong text, and change them by hand"},
        {"rom", "read its ROM again, which switches that off"},
        {"d3cold", "say again whether it may go into D3cold"},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (json_object_get(claim, kinds[i].member) != NULL)
            return kinds[i].advice;
    return "give it a driver again";
}

/* Logs the claims that no worker could undo. */
static void log_left(struct job *job, const json_t *claims)
{
    size_t i;
    const json_t *claim;

    json_array_foreach(claims, i, claim) {
        const char *function = json_string_value(json_object_get(claim, "id"));
        job_log(job, "%s is left half-way: %s, or restart the broker, which tries once more", function,
                advise(claim));
        log_error("%s '%s' leaves %s half-way", job->operation->name, job->id, function);
    }
}

/* A worker of an earlier broker that the kernel still holds; the oldest, for which the others wait. */
static json_t *find_survivor(const struct job *job)
{
    size_t i;
    json_t *worker;

    json_array_foreach(job->survivors, i, worker) {
        unsigned long long start;
        pid_t pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
        if (process_start_time(pid, &start) &&
            (json_int_t)start == json_integer_value(json_object_get(worker, "start-time")))
            return worker;
    }
    return NULL;
}

static int undo(struct job *job, json_t *claims, struct error *err)
{
    autojson json_t *arguments = json_pack("{s:O}", "claims", claims);
    json_t *survivor = find_survivor(job);

    if (survivor != NULL)
        json_object_set(arguments, "waits-for", survivor);
    if (find_failure(job) != NULL)
        json_object_set_new(arguments, "failed", json_integer(1));
    return start_worker(job, operation_recover.run, arguments, JOB_UNDOING, err);
}

/* Without a worker: what the last one left half-way is brought back, or the job ends. */
static void undo_or_end(struct job *job)
{
    autojson json_t *claims = NULL;
    struct error err;

    if (journal_read_claims(job->jobs->journal, job->number, &claims, &err) != 0) {
        log_error("%s '%s': cannot read what is to be brought back: %s", job->operation->name, job->id,
                  err.message);
        try_later(job, JOB_UNDO_LATER, RETRY_MS);
        return;
    }
    bool open = json_array_size(claims) > 0;
    if (!open || job->undone != NULL || job->recoveries >= RECOVERIES) {
        log_left(job, claims);
        job->end = make_end(job, open);
        end(job);
        return;
    }
    if (undo(job, claims, &err) != 0) {
        log_error("%s '%s' cannot be brought back now: %s", job->operation->name, job->id, err.message);
        try_later(job, JOB_UNDO_LATER, RETRY_MS);
    }
}

static void on_timer(void *context)
{
    struct job *job = context;

    switch (job->state) {
    case JOB_RUNNING:
    case JOB_UNDOING:
        become_silent(job);
        break;
    case JOB_UNDO_LATER:
        undo_or_end(job);
        break;
    case JOB_ENDING:
        end(job);
        break;
    default: /* no timer is set */
        break;
    }
}

/* False if there is none now, or none will come any more. */
static bool receive(struct job *job)
{
    autojson json_t *message = NULL;
    struct error err;

    if (job->worker.socket < 0)
        return false;
    int given = -1, got = protocol_receive_descriptor(job->worker.socket, &message, &given, &err);
    if (given >= 0 && job->given < 0)
        job->given = given;
    else if (given >= 0)
        close(given);
    if (got == 1) {
        note_sign_of_life(job);
        job_handle_message(job, message);
        return true;
    }
    if (got == 0 || err.kind != ERROR_BUSY)
        job_close(job, &job->worker.socket); /* its pidfd reports that the worker has ended */
    return false;
}

static void on_message(void *context, short events)
{
    (void)events;
    receive(context);
}

static void log_death(struct job *job, int status)
{
    autofree char *how = WIFSIGNALED(status) ? xasprintf("was killed by signal %d", WTERMSIG(status))
                                             : xasprintf("ended with status %d", WEXITSTATUS(status));

    job_log(job, "the process that did this operation %s", how);
    log_error("the worker %d of %s '%s' %s", (int)job->worker.pid, job->operation->name, id_of(job), how);
}

static void end_reading(struct job *job)
{
    struct error err;

    if (job->said == NULL) {
        error_set(&err, ERROR_FAILED, "the process that did '%s' died", job->operation->name);
        job->said = protocol_pack_error(&err);
    }
    job_answer(job, TAKE(job->said));
    job_enter(job, JOB_ENDED);
}

static void on_exit_of_worker(void *context, short events)
{
    struct job *job = context;
    int status = 0;

    (void)events;
    while (job->said == NULL && receive(job))
        continue;
    TEMP_FAILURE_RETRY(waitpid(job->worker.pid, &status, 0));
    if (job->said == NULL)
        log_death(job, status);
    job_close(job, &job->worker.socket);
    job_close(job, &job->worker.pidfd);
    job->worker.pid = 0;
    loop_cancel_timer(job->jobs->loop, &job->timer);

    if (job->id == NULL) {
        end_reading(job);
    } else if (job->state == JOB_RUNNING || job->state == JOB_SILENT) {
        job->outcome = TAKE(job->said);
        undo_or_end(job);
    } else {
        job->undone = TAKE(job->said);
        job->recoveries++;
        if (job->undone != NULL)
            undo_or_end(job);
        else
            try_later(job, JOB_UNDO_LATER, (long long)RETRY_MS << job->recoveries);
    }
}

void job_resume(struct jobs *jobs, const json_t *row)
{
    const struct operation *operation = operation_find(json_string_value(json_object_get(row, "operation")));
    struct job *job = job_new(jobs, operation != NULL ? operation : &operation_recover,
                              json_string_value(json_object_get(row, "id")),
                              json_incref(json_object_get(row, "arguments")));

    job->number = json_integer_value(json_object_get(row, "number"));
    job->started = (time_t)json_integer_value(json_object_get(row, "started"));
    job->lines = (int)json_integer_value(json_object_get(row, "lines"));
    job->survivors = json_incref(json_object_get(row, "workers"));
    if (json_object_get(json_object_get(row, "end"), "error") != NULL)
        job->outcome = json_incref(json_object_get(row, "end"));
    job_add(job);
    log_warning("%s '%s' was cut off by the end of an earlier broker", job->operation->name, job->id);
    job_log(job, "the broker ended while this was running, and has started again");
    undo_or_end(job);
}
