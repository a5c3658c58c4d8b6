/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that the broker does. */
#include "passthrough/broker_task.h"

#include <stdlib.h>

#include "base/memory.h"

struct order {
    const struct broker *broker;
    const struct operation *operation;
    json_t *arguments;
    int (*done)(void *context, struct error *err);
    void *context;
};

static void release(void *argument)
{
    struct order *order = argument;

    json_decref(order->arguments);
    free(order);
}

static void log_line(void *context, int number, const char *text)
{
    (void)number;
    task_log(context, "%s", text);
}

/* The host may have changed even if the operation failed. */
static int run(struct task *task, void *argument, struct error *err)
{
    struct order *order = argument;
    autojson json_t *result = NULL;
    struct error late;

    int status = broker_call(order->broker, order->operation->name, task_upid(task), TAKE(order->arguments),
                             log_line, task, &result, err);
    if (order->done != NULL && order->done(order->context, &late) != 0)
        task_warn(task, "the list of devices could not be read again: %s", late.message);
    return status;
}

int broker_task_begin(struct tasks *tasks, const struct broker *broker, const struct broker_task *what,
                      int (*done)(void *context, struct error *err), void *context,
                      char upid[static UPID_SIZE], struct error *err)
{
    struct order *order = xcalloc(1, sizeof(*order));
    struct task_start start = {.type = what->type,
                               .id = what->id,
                               .user = what->user,
                               .run = run,
                               .argument = order,
                               .release = release};

    *order = (struct order){.broker = broker,
                            .operation = what->operation,
                            .arguments = what->arguments,
                            .done = done,
                            .context = context};
    if (broker_check(broker, err) == 0 && task_begin(tasks, &start, upid, err) == 0)
        return 0;
    release(order);
    return -1;
}

int broker_task_resume(struct task *task, void *argument, struct error *err)
{
    const struct broker *broker = argument;
    autojson json_t *result = NULL;

    /* all lines of such a task come from the broker */
    if (broker_follow(broker, task_upid(task), task_line_count(task), log_line, task, &result, err) == 0)
        return 0;
    if (err->kind == ERROR_NOT_FOUND)
        error_set(err, ERROR_FAILED, "interrupted by a restart of hostpci before anything was changed");
    return -1;
}

int broker_task_stop(struct tasks *tasks, const struct broker *broker, const char *upid, struct error *err)
{
    autojson json_t *result = NULL;
    struct error ignored;

    if (task_stop(tasks, upid, err) != 0)
        return -1;
    /* an operation that the broker does not know has ended, or never reaches it */
    broker_call(broker, "stop", NULL, json_pack("{s:s}", "id", upid), NULL, NULL, &result, &ignored);
    return 0;
}
