/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker tells the broker what it does: a function for each message of broker/protocol.h. */
#include "broker/worker/worker.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/protocol.h"

/* Without a broker nobody could undo what comes next. */
static void say(const struct worker *worker, json_t *message)
{
    autojson json_t *owned = message;
    struct error err;

    if (protocol_send(worker->socket, owned, &err) != 0)
        _exit(EXIT_FAILURE);
}

/* One thread at a time, so that each gets the answer to what it asked. */
static json_t *ask(const struct worker *worker, json_t *message)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    json_t *answer;
    struct error err;

    pthread_mutex_lock(&turn);
    say(worker, message);
    if (protocol_receive(worker->socket, &answer, &err) != 1)
        _exit(EXIT_FAILURE);
    pthread_mutex_unlock(&turn);
    return answer;
}

static int check(const json_t *answer, struct error *err)
{
    if (strcmp(json_text(answer, "type"), "error") != 0)
        return 0;
    protocol_unpack_error(answer, err);
    return -1;
}

void worker_log(struct worker *worker, const char *format, ...)
{
    char line[WORKER_LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    say(worker, json_pack("{s:s, s:o}", "type", "log", "text", protocol_text(line)));
}

int worker_claim(struct worker *worker, const json_t *claims, struct error *err)
{
    if (json_array_size(claims) > WORKER_CLAIM_LIMIT)
        return error_set(err, ERROR_INVALID, "%zu functions at once are too many: at most %d",
                         json_array_size(claims), WORKER_CLAIM_LIMIT);
    autojson json_t *answer = ask(worker, json_pack("{s:s, s:O}", "type", "claim", "functions", claims));
    return check(answer, err);
}

int worker_step(struct worker *worker, const char *id, const char *text, struct error *err)
{
    autojson json_t *answer =
        ask(worker, json_pack("{s:s, s:s, s:o, s:i}", "type", "step", "function", id, "text",
                              protocol_text(text), "undoing", (int)worker->undoing));

    return check(answer, err);
}

void worker_release(struct worker *worker, const char *id)
{
    say(worker, json_pack("{s:s, s:s}", "type", "release", "function", id));
}

void worker_save_fact(struct worker *worker, const char *kind, const char *id, const struct driver_state *was,
                      json_t *body)
{
    json_object_set_new(body, "vendor", json_integer(was->vendor));
    json_object_set_new(body, "device", json_integer(was->device));
    say(worker,
        json_pack("{s:s, s:s, s:s, s:o}", "type", "save", "kind", kind, "function", id, "body", body));
}

void worker_forget_fact(struct worker *worker, const char *kind, const char *id)
{
    say(worker, json_pack("{s:s, s:s, s:s}", "type", "forget", "kind", kind, "function", id));
}

void worker_save_choice(struct worker *worker, const char *id, const struct driver_state *was,
                        const char *driver)
{
    worker_save_fact(worker, "choice", id, was, json_pack("{s:s}", "driver", driver));
}

void worker_forget_choice(struct worker *worker, const char *id)
{
    worker_forget_fact(worker, "choice", id);
}

void worker_save_origin(struct worker *worker, const char *id, const struct driver_state *was)
{
    worker_save_fact(worker, "origin", id, was,
                     json_pack("{s:s, s:s}", "driver", was->driver, "override", was->override));
}

void worker_forget_origin(struct worker *worker, const char *id)
{
    worker_forget_fact(worker, "origin", id);
}

void worker_save_reset(struct worker *worker, const char *id, const struct driver_state *was,
                       const char *method, bool ok, const char *message)
{
    worker_save_fact(worker, "reset", id, was,
                     json_pack("{s:s, s:I, s:i, s:o}", "method", method, "time", (json_int_t)time(NULL), "ok",
                               (int)ok, "message", protocol_text(message)));
}

json_t *worker_read_facts(struct worker *worker, const char *id)
{
    autojson json_t *answer = ask(worker, json_pack("{s:s, s:s}", "type", "ask", "function", id));
    json_t *facts = json_object_get(answer, "facts");

    return facts != NULL ? json_incref(facts) : json_object();
}

void worker_end(struct worker *worker, json_t *result, const struct error *err)
{
    autojson json_t *last = err != NULL
                                ? protocol_pack_error(err)
                                : json_pack("{s:o}", "result", result != NULL ? result : json_object());
    struct error too_large;

    json_object_set_new(last, "type", json_string(err != NULL ? "error" : "result"));
    if (protocol_send_descriptor(worker->socket, last, err == NULL ? worker->given : -1, &too_large) != 0 &&
        too_large.kind == ERROR_TOO_LARGE)
        worker_end(worker, NULL, &too_large);
}
