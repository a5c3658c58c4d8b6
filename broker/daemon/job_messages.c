/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker says. */
#include "broker/daemon/job_messages.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/protocol.h"

void job_send(struct job *job, const char *type, json_t *fields)
{
    autojson json_t *message = fields != NULL ? fields : json_object();
    struct error err;

    json_object_set_new(message, "type", json_string(type));
    protocol_send(job->worker.socket, message, &err);
}

static void answer(struct job *job, int result, const struct error *err)
{
    if (result == 0)
        job_send(job, "ok", NULL);
    else
        job_send(job, "error", protocol_pack_error(err));
}

/* For a message that is not answered, so that the worker cannot be told. */
static void log_failure(const struct job *job, const char *what, const struct error *err)
{
    log_error("%s '%s': the journal did not take '%s': %s", job->operation->name, job->id, what,
              err->message);
}

/* What the operation did is done, but the client must not believe that it is persistent. */
static void note_lost_fact(struct job *job, const char *kind, const json_t *message,
                           const struct error *reason)
{
    struct error err;

    log_failure(job, kind, reason);
    if (job->lost != NULL)
        return;
    error_set(
        &err, ERROR_FAILED,
        "it is done, but the broker's journal did not take what was to be kept of it (%s of %s): %s: see "
        "whether its disk is full, then ask for the same again",
        kind, json_text(message, "function"), reason->message);
    job->lost = protocol_pack_error(&err);
}

static void handle_log(struct job *job, const json_t *message)
{
    job_log(job, "%s", json_text(message, "text"));
}

static void handle_claim(struct job *job, const json_t *message)
{
    struct error err;
    int result = journal_claim(job->jobs->journal, job->number, json_object_get(message, "functions"), &err);

    answer(job, result, &err);
}

static int begin_step(struct job *job, const json_t *message, struct error *err)
{
    const char *function = json_text(message, "function"), *text = json_text(message, "text");
    bool undoing = json_integer_value(json_object_get(message, "undoing")) != 0;

    if (job->stop && !undoing)
        return error_set(err, ERROR_FAILED, "stopped on request");
    if (journal_step(job->jobs->journal, job->number, function, text, err) != 0) {
        if (!undoing)
            return -1;
        /* what is to be brought back is in the journal already */
        log_failure(job, text, err);
    }
    free(job->step);
    free(job->function);
    job->step = xstrdup(text);
    job->function = xstrdup(function);
    if (++job->jobs->steps == job->jobs->stop_at)
        raise(SIGSTOP);
    return 0;
}

static void handle_step(struct job *job, const json_t *message)
{
    struct error err;

    answer(job, begin_step(job, message, &err), &err);
}

static void handle_release(struct job *job, const json_t *message)
{
    const char *function = json_text(message, "function");
    struct error err;

    if (journal_release(job->jobs->journal, job->number, function, &err) != 0)
        log_failure(job, function, &err);
}

static void handle_save(struct job *job, const json_t *message)
{
    const char *kind = json_text(message, "kind");
    struct error err;

    if (journal_save_fact(job->jobs->journal, kind, json_text(message, "function"),
                          json_object_get(message, "body"), &err) != 0)
        note_lost_fact(job, kind, message, &err);
}

static void handle_forget(struct job *job, const json_t *message)
{
    const char *kind = json_text(message, "kind");
    struct error err;

    if (journal_forget_fact(job->jobs->journal, kind, json_text(message, "function"), &err) != 0)
        note_lost_fact(job, kind, message, &err);
}

static void handle_ask(struct job *job, const json_t *message)
{
    const char *function = json_text(message, "function");
    json_t *facts = NULL;
    struct error err;

    if (journal_read_facts(job->jobs->journal, function, &facts, &err) != 0)
        log_error("%s '%s': cannot read what is known of %s: %s", job->operation->name,
                  job->id != NULL ? job->id : "", function, err.message);
    job_send(job, "facts", json_pack("{s:o}", "facts", facts != NULL ? facts : json_object()));
}

static void handle_last(struct job *job, const json_t *message)
{
    bool lost = job->lost != NULL && json_object_get(message, "result") != NULL;

    json_decref(job->said);
    job->said = json_deep_copy(lost ? job->lost : message);
    json_object_del(job->said, "type");
}

static const struct {
    const char *type;
    bool changes;  /* only for jobs that are in the journal */
    bool answered; /* the worker waits */
    void (*handle)(struct job *job, const json_t *message);
} messages[] = {
    {"log", true, false, handle_log},     {"claim", true, true, handle_claim},
    {"step", true, true, handle_step},    {"release", true, false, handle_release},
    {"save", true, false, handle_save},   {"forget", true, false, handle_forget},
    {"ask", false, true, handle_ask},     {"result", false, false, handle_last},
    {"error", false, false, handle_last},
};

void job_handle_message(struct job *job, const json_t *message)
{
    const char *type = json_text(message, "type");
    struct error err;

    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        if (strcmp(type, messages[i].type) != 0)
            continue;
        if (job->id != NULL || !messages[i].changes)
            messages[i].handle(job, message);
        else if (messages[i].answered)
            answer(job, error_set(&err, ERROR_FAILED, "'%s' only reads", job->operation->name), &err);
        return;
    }
    log_error("the worker %d of %s '%s' sent a message of an unknown type, '%s'", (int)job->worker.pid,
              job->operation->name, job->id != NULL ? job->id : "", type);
}
