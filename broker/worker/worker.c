/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker tells the broker what it does. Messages that the worker need not wait for are not answered: the
 * broker takes them in order, so that they are in the journal before whatever is answered after them. */
#include "broker/worker/worker.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/protocol.h"

/* Without a broker there is nobody who could undo what comes next. */
static void tell(const struct worker *worker, json_t *message)
{
    autojson json_t *owned = message;
    struct error err;

    if (protocol_send(worker->socket, owned, &err) != 0)
        _exit(EXIT_FAILURE);
}

static json_t *ask(const struct worker *worker, json_t *message)
{
    json_t *answer;
    struct error err;

    tell(worker, message);
    if (protocol_receive(worker->socket, &answer, &err) != 1)
        _exit(EXIT_FAILURE);
    return answer;
}

static int check(const json_t *answer, struct error *err)
{
    if (json_object_get(answer, "error") == NULL)
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
    tell(worker, json_pack("{s:o}", "log", protocol_text(line)));
}

int worker_begin(struct worker *worker, const json_t *touched, struct error *err)
{
    if (json_array_size(touched) > WORKER_TOUCHED_LIMIT)
        return error_set(err, ERROR_INVALID, "%zu functions at once are too many: at most %d",
                         json_array_size(touched), WORKER_TOUCHED_LIMIT);
    autojson json_t *answer = ask(worker, json_pack("{s:O}", "begin", touched));
    return check(answer, err);
}

int worker_step(struct worker *worker, const char *id, const char *text, struct error *err)
{
    autojson json_t *answer = ask(worker, json_pack("{s:o, s:s, s:i}", "step", protocol_text(text),
                                                    "function", id, "undoing", (int)worker->undoing));

    return check(answer, err);
}

void worker_settle(struct worker *worker, const char *id, const char *driver, const char *outcome)
{
    tell(worker, json_pack("{s:s, s:s, s:s}", "settle", id, "driver", driver, "outcome", outcome));
}

/* A fact about a card, not only about its slot. */
static void keep(struct worker *worker, const char *kind, const char *id, const struct driver_state *was,
                 json_t *body)
{
    json_object_set_new(body, "vendor", json_integer(was->vendor));
    json_object_set_new(body, "device", json_integer(was->device));
    tell(worker, json_pack("{s:s, s:s, s:o}", "keep", kind, "function", id, "body", body));
}

static void forget(struct worker *worker, const char *kind, const char *id)
{
    tell(worker, json_pack("{s:s, s:s}", "forget", kind, "function", id));
}

void worker_keep_choice(struct worker *worker, const char *id, const struct driver_state *was,
                        const char *driver)
{
    if (driver[0] == '\0')
        forget(worker, "choice", id);
    else
        keep(worker, "choice", id, was, json_pack("{s:s}", "driver", driver));
}

void worker_keep_origin(struct worker *worker, const char *id, const struct driver_state *was)
{
    keep(worker, "origin", id, was,
         json_pack("{s:s, s:s}", "driver", was->driver, "override", was->override));
}

void worker_forget_origin(struct worker *worker, const char *id)
{
    forget(worker, "origin", id);
}

void worker_keep_reset(struct worker *worker, const char *id, const struct driver_state *was,
                       const char *method, bool ok, const char *message)
{
    keep(worker, "reset", id, was,
         json_pack("{s:s, s:I, s:i, s:o}", "method", method, "time", (json_int_t)time(NULL), "ok", (int)ok,
                   "message", protocol_text(message)));
}

json_t *worker_ask(struct worker *worker, const char *id)
{
    return ask(worker, json_pack("{s:s}", "ask", id));
}
