/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the calls of an intake, and undoes a stage of which one failed. */
#include "client/transfer/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/shell/follow.h"
#include "client/shell/lookup.h"
#include "client/shell/shell.h"

/* Signals wait until the step that runs has ended: its undoing needs its result. */
static void hold_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(how, &set, NULL);
}

static bool is_interrupted(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
           sigismember(&pending, SIGHUP) == 1;
}

/* How a call went. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_REFUSED, /* the server has done nothing */
    OUTCOME_UNKNOWN, /* it may have been done */
};

/* Follows the task to its end. Its log is only told if it failed; then it has undone what it did. */
static enum outcome wait_for_task(const struct call_target *target, const char *upid)
{
    char *log = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&log, &length);
    bool ended;
    int status = follow_task(target, upid, memory != NULL ? memory : stderr, &ended);

    if (memory != NULL)
        fclose(memory);
    if (status != SHELL_DONE && log != NULL)
        fputs(log, stderr);
    free(log);
    return status == SHELL_DONE ? OUTCOME_DONE : ended ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
}

static bool begins_task(const struct endpoint *endpoint)
{
    return endpoint != NULL && endpoint->returns.format != NULL &&
           strcmp(endpoint->returns.format, "pve-task-upid") == 0;
}

/* Says what went wrong. Adds what the server told once and will not tell again. */
static enum outcome make_call(const struct call_target *target, const json_t *call, struct text *secrets)
{
    enum method method = method_find(json_text(call, "method"));
    const char *path = json_text(call, "path");
    autooptions struct options options = {0};
    autoreply struct call_reply reply = {0};
    struct error err;

    options_add_all(&options, json_object_get(call, "parameters"));
    if (call_send(target, method, path, options.parameters, options.count, &reply, &err) != 0) {
        shell_complain(&err);
        return OUTCOME_UNKNOWN;
    }
    if (reply.status < 200 || reply.status > 299) {
        shell_refuse(&reply, target, &(const struct shell_call){.method = method, .path = path});
        return OUTCOME_REFUSED;
    }
    const char *token = json_text_or(reply.data, "full-tokenid", NULL);
    if (token != NULL)
        text_printf(secrets, "%s=%s\n", token, json_text(reply.data, "value"));
    return begins_task(lookup_endpoint(endpoint_table, endpoint_count, method, path))
               ? wait_for_task(target, json_string_value(reply.data))
               : OUTCOME_DONE;
}

/* Undoes the steps from `end` back to `begin`. */
static void undo(const struct call_target *target, const struct intake *intake, size_t begin, size_t end)
{
    autotext struct text none = {0};

    for (size_t i = end; i > begin; i--) {
        const json_t *step = json_array_get(intake->steps, i - 1), *call = json_object_get(step, "undo");
        if (json_is_object(call) && make_call(target, call, &none) != OUTCOME_DONE)
            fprintf(stderr, "%s: this could not be undone: %s\n", shell_program, json_text(step, "what"));
    }
}

/* The end of the stage that begins at `begin`. */
static size_t end_of_stage(const struct intake *intake, size_t begin)
{
    json_int_t stage = json_integer_value(json_object_get(json_array_get(intake->steps, begin), "stage"));
    size_t end = begin;

    while (end < json_array_size(intake->steps) &&
           json_integer_value(json_object_get(json_array_get(intake->steps, end), "stage")) == stage)
        end++;
    return end;
}

static const char *name_of_stage(const struct intake *intake, size_t step)
{
    return intake_stage_names[json_integer_value(
        json_object_get(json_array_get(intake->steps, step), "stage"))];
}

static int run_stage(const struct call_target *target, const struct intake *intake, size_t begin, size_t end)
{
    autotext struct text secrets = {0};
    enum outcome outcome = OUTCOME_DONE;
    size_t next = begin;

    for (; next < end && !is_interrupted(); next++) {
        const json_t *step = json_array_get(intake->steps, next);
        outcome = make_call(target, json_object_get(step, "make"), &secrets);
        if (outcome == OUTCOME_DONE)
            continue;
        fprintf(stderr, "%s: this could not be imported: %s\n", shell_program, json_text(step, "what"));
        break;
    }
    if (next < end) {
        undo(target, intake, begin, outcome == OUTCOME_UNKNOWN ? next + 1 : next);
        fprintf(stderr, "%s: %s: nothing of this was imported; what was before it in the list stays\n",
                shell_program, name_of_stage(intake, begin));
        return outcome == OUTCOME_DONE ? SHELL_INTERRUPTED : SHELL_FAILED;
    }
    autotext struct text done = {0};
    text_printf(&done, "%s: imported.\n", name_of_stage(intake, begin));
    if (secrets.length > 0)
        text_printf(&done, "The tokens have new secrets, which are not shown again:\n%s",
                    text_string(&secrets));
    return shell_write(text_string(&done));
}

int run_intake(const struct call_target *target, const struct intake *intake)
{
    int status = SHELL_DONE;

    hold_signals(SIG_BLOCK);
    for (size_t begin = 0; begin < json_array_size(intake->steps) && status == SHELL_DONE;) {
        size_t end = end_of_stage(intake, begin);
        status = run_stage(target, intake, begin, end);
        begin = end;
    }
    hold_signals(SIG_UNBLOCK);
    return status;
}
