/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What workers tell, message by message (broker/worker/worker.c is the other side). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/job.h"
#include "broker/daemon/loop.h"
#include "broker/protocol.h"

/* A worker that does not take its answer has died. */
static void reply(const struct job *job, json_t *message)
{
    autojson json_t *owned = message;
    struct error err;

    protocol_send(job->socket, owned, &err);
}

static void reply_result(const struct job *job, int result, const struct error *err)
{
    reply(job, result == 0 ? json_object() : protocol_pack_error(err));
}

/* The worker has gone on by now, and does not wait to hear of it. */
static void complain(const struct job *job, const char *what, const struct error *err)
{
    log_error("%s '%s': %s: %s", job->operation->name, job->id, what, err->message);
}

static void take_log(struct loop *loop, struct job *job, const json_t *message)
{
    job_log(loop, job, "%s", json_text(message, "log"));
}

static void take_begin(struct loop *loop, struct job *job, const json_t *message)
{
    struct error err;

    reply_result(job, journal_touch(loop->journal, job->number, json_object_get(message, "begin"), &err),
                 &err);
}

static void note_step(struct job *job, const json_t *message)
{
    free(job->step);
    free(job->function);
    job->step = xstrdup(json_text(message, "step"));
    job->function = xstrdup(json_text(message, "function"));
}

static int begin_step(struct loop *loop, struct job *job, const json_t *message, struct error *err)
{
    bool undoing = json_integer_value(json_object_get(message, "undoing")) != 0;

    if (job->stop && !undoing)
        return error_set(err, ERROR_FAILED, "stopped as asked for");
    if (journal_step(loop->journal, job->number, json_text(message, "function"), json_text(message, "step"),
                     err) != 0) {
        if (!undoing)
            return -1;
        /* what is to be brought back is in the journal already */
        complain(job, json_text(message, "step"), err);
    }
    note_step(job, message);
    if (++loop->steps == loop->stop_at)
        raise(SIGSTOP);
    return 0;
}

static void take_step(struct loop *loop, struct job *job, const json_t *message)
{
    struct error err;

    reply_result(job, begin_step(loop, job, message, &err), &err);
}

static void take_settle(struct loop *loop, struct job *job, const json_t *message)
{
    const char *function = json_text(message, "settle");
    struct error err;

    if (journal_settle(loop->journal, job->number, function, &err) != 0)
        complain(job, function, &err);
}

static void take_keep(struct loop *loop, struct job *job, const json_t *message)
{
    struct error err;

    if (journal_keep(loop->journal, json_text(message, "keep"), json_text(message, "function"),
                     json_object_get(message, "body"), &err) != 0)
        complain(job, json_text(message, "keep"), &err);
}

static void take_forget(struct loop *loop, struct job *job, const json_t *message)
{
    struct error err;

    if (journal_drop(loop->journal, json_text(message, "forget"), json_text(message, "function"), &err) != 0)
        complain(job, json_text(message, "forget"), &err);
}

static void take_ask(struct loop *loop, struct job *job, const json_t *message)
{
    json_t *facts = NULL;
    struct error err;

    if (journal_read_facts(loop->journal, json_text(message, "ask"), &facts, &err) != 0)
        complain(job, json_text(message, "ask"), &err);
    reply(job, facts != NULL ? facts : json_object());
}

static void take_last(struct loop *loop, struct job *job, const json_t *message)
{
    (void)loop;
    job->said = json_deep_copy(message);
}

static const struct {
    const char *key;
    bool changes;  /* only of jobs that are in the journal */
    bool answered; /* the worker waits */
    void (*take)(struct loop *loop, struct job *job, const json_t *message);
} messages[] = {
    {"log", true, false, take_log},     {"begin", true, true, take_begin},
    {"step", true, true, take_step},    {"settle", true, false, take_settle},
    {"keep", true, false, take_keep},   {"forget", true, false, take_forget},
    {"ask", false, true, take_ask},     {"result", false, false, take_last},
    {"error", false, false, take_last},
};

static void refuse_change(const struct job *job)
{
    struct error err;

    error_set(&err, ERROR_FAILED, "'%s' only reads", job->operation->name);
    reply(job, protocol_pack_error(&err));
}

static void take(struct loop *loop, struct job *job, const json_t *message)
{
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        if (json_object_get(message, messages[i].key) == NULL)
            continue;
        if (job->id != NULL || !messages[i].changes)
            messages[i].take(loop, job, message);
        else if (messages[i].answered)
            refuse_change(job);
        return;
    }
}

static void note_return(struct loop *loop, struct job *job)
{
    if (job->waiting == 0)
        return;
    long long seconds = (long long)(time(NULL) - job->waiting);
    job->waiting = 0;
    job_log(loop, job, "the kernel came back after %lld s", seconds);
    log_info("%s '%s': the kernel came back after %lld s", job->operation->name,
             job->id != NULL ? job->id : "", seconds);
}

bool job_hear(struct loop *loop, struct job *job)
{
    autojson json_t *message = NULL;
    struct error err;

    if (job->socket < 0)
        return false;
    int got = protocol_receive(job->socket, &message, &err);
    if (got == 1) {
        note_return(loop, job);
        take(loop, job, message);
        job->heard = loop_clock();
        return true;
    }
    if (got < 0 && err.kind == ERROR_BUSY)
        return false;
    /* its end is told by a signal */
    close(job->socket);
    job->socket = -1;
    return false;
}
