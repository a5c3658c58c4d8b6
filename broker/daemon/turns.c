/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose turn it is. */
#include "broker/daemon/turns.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"

struct rest {
    struct rest *next;
    const struct operation *operation;
    char *value;
    long long until;
};

static const char *value_of(const struct operation *operation, const json_t *arguments)
{
    return json_text(arguments, operation->turn);
}

static bool runs(const struct jobs *jobs, const struct operation *operation, const char *value)
{
    for (const struct job *job = jobs->list; job != NULL; job = job->next)
        if (job->operation == operation && job->state != JOB_ENDED &&
            strcasecmp(value_of(operation, job->arguments), value) == 0)
            return true;
    return false;
}

long long turns_wait(const struct rest *rests, const struct jobs *jobs, const struct operation *operation,
                     const json_t *arguments, long long now)
{
    const char *value = value_of(operation, arguments);
    long long until = now;

    if (runs(jobs, operation, value))
        return TURNS_RUNNING;
    for (const struct rest *rest = rests; rest != NULL; rest = rest->next)
        if (rest->operation == operation && rest->until > until && strcasecmp(rest->value, value) == 0)
            until = rest->until;
    return until - now;
}

void turns_note_failure(struct rest **rests, const struct operation *operation, const json_t *arguments,
                        long long now)
{
    struct rest *rest = xcalloc(1, sizeof(*rest));

    *rest = (struct rest){.next = *rests,
                          .operation = operation,
                          .value = xstrdup(value_of(operation, arguments)),
                          .until = now + TURNS_REST_MS};
    *rests = rest;
}

void turns_forget(struct rest **rests, long long now)
{
    for (struct rest **at = rests; *at != NULL;) {
        struct rest *rest = *at;
        if (rest->until > now) {
            at = &rest->next;
            continue;
        }
        *at = rest->next;
        free(rest->value);
        free(rest);
    }
}
