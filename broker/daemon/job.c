/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: their record and their states. */
#include "broker/daemon/job.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/worker/worker.h"

#define TO(state) (1U << JOB_##state)

/* The tables in job.h. */
static const unsigned changing[JOB_STATES] = {
    [JOB_STARTING] = TO(RUNNING) | TO(UNDOING) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_RUNNING] = TO(SILENT) | TO(UNDOING) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_SILENT] = TO(RUNNING) | TO(UNDOING) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_UNDOING] = TO(UNDOING_SILENT) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_UNDOING_SILENT] = TO(UNDOING) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_UNDO_LATER] = TO(UNDOING) | TO(UNDO_LATER) | TO(ENDING),
    [JOB_ENDING] = TO(ENDING) | TO(ENDED),
};
static const unsigned reading[JOB_STATES] = {
    [JOB_STARTING] = TO(RUNNING),
    [JOB_RUNNING] = TO(SILENT) | TO(ENDED),
    [JOB_SILENT] = TO(RUNNING) | TO(ENDED),
};

static const char *const state_names[JOB_STATES] = {
    "starting",           "running", "silent", "undoing", "silent while undoing",
    "to be undone later", "ending",  "ended"};

bool job_may_enter(bool reads, enum job_state from, enum job_state to)
{
    return ((reads ? reading : changing)[from] & 1U << to) != 0;
}

void job_enter(struct job *job, enum job_state state)
{
    bool reads = job->id == NULL;

    if (!job_may_enter(reads, job->state, state)) {
        log_error("%s '%s' is %s and cannot become %s: this is an error in the broker, which ends here",
                  job->operation->name, reads ? "" : job->id, state_names[job->state], state_names[state]);
        abort();
    }
    job->state = state;
}

bool job_has_worker(const struct job *job)
{
    return job->worker.pid != 0;
}

bool job_is_silent(const struct job *job)
{
    return job->state == JOB_SILENT || job->state == JOB_UNDOING_SILENT;
}

struct job *job_new(struct jobs *jobs, const struct operation *operation, const char *id, json_t *arguments)
{
    struct job *job = xcalloc(1, sizeof(*job));

    *job = (struct job){.jobs = jobs,
                        .operation = operation,
                        .id = id != NULL ? xstrdup(id) : NULL,
                        .arguments = arguments,
                        .started = time(NULL),
                        .given = -1,
                        .worker = {.pidfd = -1, .socket = -1}};
    return job;
}

void job_close(struct job *job, int *fd)
{
    if (*fd < 0)
        return;
    loop_unwatch(job->jobs->loop, *fd);
    close(*fd);
    *fd = -1;
}

void job_free(struct job *job)
{
    loop_cancel_timer(job->jobs->loop, &job->timer);
    job_close(job, &job->worker.socket);
    job_close(job, &job->worker.pidfd);
    json_decref(job->arguments);
    json_decref(job->said);
    json_decref(job->lost);
    json_decref(job->outcome);
    json_decref(job->undone);
    if (job->given >= 0)
        close(job->given);
    json_decref(job->survivors);
    json_decref(job->end);
    free(job->id);
    free(job->step);
    free(job->function);
    free(job->silent_in);
    free(job);
}

void job_add(struct job *job)
{
    struct jobs *jobs = job->jobs;

    job->next = jobs->list;
    jobs->list = job;
    jobs->count++;
    jobs->readers += job->id == NULL;
}

struct job *job_find(const struct jobs *jobs, const char *id)
{
    for (struct job *job = jobs->list; job != NULL; job = job->next)
        if (job->id != NULL && job->state != JOB_ENDED && strcmp(job->id, id) == 0)
            return job;
    return NULL;
}

void job_log(struct job *job, const char *format, ...)
{
    char line[WORKER_LINE_SIZE];
    struct error err;
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (job->id == NULL || job->lines >= JOB_LINES)
        return;
    if (job->lines == JOB_LINES - 1)
        snprintf(line, sizeof(line), "this log ends after %d lines: the rest is left out", JOB_LINES);
    if (journal_log(job->jobs->journal, job->number, job->lines + 1, line, &err) != 0) {
        log_error("%s '%s': the journal did not take a line of its log: %s (%s)", job->operation->name,
                  job->id, err.message, line);
        return;
    }
    job->lines++;
    job->jobs->changed(job->jobs->context, job->number);
}

void job_answer(struct job *job, json_t *answer)
{
    void (*function)(void *, json_t *) = TAKE(job->answer);

    if (function != NULL)
        function(job->reader, answer);
    else
        json_decref(answer);
}

static unsigned remove_jobs(struct jobs *jobs, bool all)
{
    unsigned before = jobs->count;

    for (struct job **at = &jobs->list; *at != NULL;) {
        struct job *job = *at;
        if (!all && job->state != JOB_ENDED) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        jobs->count--;
        jobs->readers -= job->id == NULL;
        job_free(job);
    }
    return before - jobs->count;
}

unsigned jobs_free_ended(struct jobs *jobs)
{
    return remove_jobs(jobs, false);
}

void jobs_clear(struct jobs *jobs)
{
    remove_jobs(jobs, true);
}
