/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: how they begin, and what is seen of them while they run. */
#include "broker/daemon/job.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/broker.h"
#include "broker/daemon/loop.h"
#include "broker/process.h"
#include "broker/protocol.h"

#define READERS     32 /* jobs that only read, at once: what changes something always finds a place */
#define PATIENCE_MS (BROKER_PATIENCE_SECONDS * 1000)

void job_log(struct loop *loop, struct job *job, const char *format, ...)
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
        snprintf(line, sizeof(line), "these are %d lines: more are left out", JOB_LINES);
    if (journal_log(loop->journal, job->number, job->lines + 1, line, &err) != 0) {
        log_error("%s '%s': %s (%s)", job->operation->name, job->id, err.message, line);
        return;
    }
    job->lines++;
    client_send_all(loop, job->number);
}

struct job *job_new(const struct operation *operation, const char *id, json_t *arguments)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->operation = operation;
    job->id = id != NULL ? xstrdup(id) : NULL;
    job->arguments = arguments;
    job->started = time(NULL);
    job->socket = -1;
    return job;
}

void job_free(struct job *job)
{
    if (job->socket >= 0)
        close(job->socket);
    if (job->client != NULL)
        job->client->job = NULL;
    json_decref(job->arguments);
    json_decref(job->workers);
    json_decref(job->said);
    json_decref(job->failure);
    json_decref(job->end);
    free(job->id);
    free(job->step);
    free(job->function);
    free(job->place);
    free(job);
}

void job_add(struct loop *loop, struct job *job)
{
    job->next = loop->jobs;
    loop->jobs = job;
    loop->job_count++;
    loop->reader_count += job->id == NULL;
}

struct job *job_find(const struct loop *loop, const char *id)
{
    for (struct job *job = loop->jobs; job != NULL; job = job->next)
        if (job->id != NULL && !job->over && strcmp(job->id, id) == 0)
            return job;
    return NULL;
}

/* The same reading that did not come back would only hang once more. */
static int check_reading(const struct loop *loop, const struct operation *operation, const json_t *arguments,
                         struct error *err)
{
    for (const struct job *job = loop->jobs; job != NULL; job = job->next)
        if (job->operation == operation && job->waiting != 0 && json_equal(job->arguments, arguments))
            return error_set(err, ERROR_BUSY,
                             "the kernel does not answer: the last reading of the same has not come back for "
                             "%lld seconds",
                             (long long)(time(NULL) - job->waiting));
    if (loop->reader_count >= READERS)
        return error_set(err, ERROR_BUSY, "%u readings at once are too many: try again later",
                         loop->reader_count);
    return 0;
}

static int begin(struct loop *loop, struct job *job, struct error *err)
{
    if (loop->job_count >= BROKER_WORKERS)
        return error_set(err, ERROR_BUSY, "%u operations at once are too many: try again later",
                         loop->job_count);
    if (job->id == NULL && check_reading(loop, job->operation, job->arguments, err) != 0)
        return -1;
    if (job_spawn(loop, job, job->operation->run, job->arguments, err) != 0)
        return -1;
    if (job->id == NULL || journal_start(loop->journal, job->id, job->operation->name, job->arguments,
                                         job_worker(job), &job->number, err) == 0)
        return 0;
    job_kill(job);
    return -1;
}

int job_start(struct loop *loop, const struct operation *operation, const char *id, json_t *arguments,
              struct client *client, struct error *err)
{
    struct job *job = job_new(operation, id, arguments);

    if (begin(loop, job, err) != 0) {
        job_free(job);
        return -1;
    }
    job->client = client;
    if (client != NULL)
        client->job = job;
    job_add(loop, job);
    return 0;
}

void job_answer(struct loop *loop, struct job *job, json_t *answer)
{
    struct client *client = TAKE(job->client);

    if (client == NULL) {
        json_decref(answer);
        return;
    }
    client->job = NULL;
    client_answer(loop, client, answer);
}

static char *find_place(const struct loop *loop, const struct job *job)
{
    autofree char *root = sysroot_join(loop->sysroot, "");
    const char *step = job->step != NULL ? job->step : "reading";
    char file[PATH_MAX];

    if (process_open_file(job->worker, root, file, sizeof(file)))
        return xasprintf("%s, in %s", step, file);
    return xstrdup(step);
}

static void report_late(struct loop *loop, struct job *job)
{
    const char *id = job->id != NULL ? job->id : "";
    const char *function = job->function != NULL ? job->function : "";
    const char *colon = job->function != NULL ? ": " : "";
    char since[32];
    struct tm local;

    job->waiting = time(NULL) - (time_t)((loop_clock() - job->heard) / 1000);
    free(job->place);
    job->place = find_place(loop, job);
    strftime(since, sizeof(since), "%H:%M:%S", localtime_r(&job->waiting, &local));
    job_log(loop, job, "waiting for the kernel since %s: %s%s%s", since, function, colon, job->place);
    log_warning("%s '%s' waits for the kernel since %s: %s%s%s", job->operation->name, id, since, function,
                colon, job->place);
}

static void give_up_reading(struct loop *loop, struct job *job)
{
    struct error err;

    error_set(&err, ERROR_FAILED,
              "the kernel does not answer: '%s' has not come back for %u seconds; the broker's log names the "
              "file",
              job->operation->name, job->operation->patience);
    job_answer(loop, job, protocol_pack_error(&err));
}

static int64_t patience(const struct job *job)
{
    return job->operation->patience != 0 ? (int64_t)job->operation->patience * 1000 : PATIENCE_MS;
}

void job_tick(struct loop *loop, struct job *job, int64_t now)
{
    if (job->over)
        return;
    if (job->retry != 0 && now >= job->retry) {
        job_go_on(loop, job);
        return;
    }
    if (job->worker == 0 || job->waiting != 0 || now < job->heard + patience(job))
        return;
    report_late(loop, job);
    if (job->id == NULL)
        give_up_reading(loop, job);
}

int64_t job_due(const struct job *job)
{
    if (job->retry != 0)
        return job->retry;
    return job->worker != 0 && job->waiting == 0 ? job->heard + patience(job) : INT64_MAX;
}

bool job_is_busy(const struct job *job)
{
    return !job->over && job->worker != 0 && job->waiting == 0;
}
