/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of a task, and its end. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/event.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/text.h"
#include "storage/local.h"
#include "task/internal.h"
#include "task/upid.h"

#define CUT "..."

char *task_clean_line(const char *text)
{
    struct text clean = {0};

    while (*text != '\0' && clean.length < TASK_LINE_LENGTH - sizeof("\\x00" CUT)) {
        size_t length = text_printable_length(text);
        if (length > 0)
            text_append_bytes(&clean, text, length);
        else
            text_printf(&clean, "\\x%02x", (unsigned char)*text);
        text += length > 0 ? length : 1;
    }
    if (*text != '\0')
        text_append(&clean, CUT);
    return text_take(&clean);
}

/* A task does not fail because its log cannot be written; the daemon's log says so. */
__attribute__((format(printf, 3, 0))) static void add_line(struct task *task, bool warning,
                                                           const char *format, va_list args)
{
    char text[TASK_LINE_LENGTH + 1];
    struct error err;

    if (task->lines >= TASK_LINES)
        return;
    int prefix = snprintf(text, sizeof(text), "%s", warning ? "WARN: " : "");
    vsnprintf(text + prefix, sizeof(text) - (size_t)prefix, format, args);
    autofree char *clean = task->lines < TASK_LINES - 1
                               ? task_clean_line(text)
                               : xstrdup("The log is full: further lines are dropped.");
    const struct local_line line = {.number = task->lines + 1, .text = clean, .warning = warning};
    if (local_add_line(task->storage, task->number, &line, &err) == 0) {
        task->lines++;
        return;
    }
    if (!task->complained)
        log_error("cannot write every line of the log of %s, such as '%s': %s", task->upid, clean,
                  err.message);
    task->complained = true;
}

void task_log(struct task *task, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(task, false, format, args);
    va_end(args);
}

void task_warn(struct task *task, const char *format, ...)
{
    va_list args;

    task->warnings++;
    va_start(args, format);
    add_line(task, true, format, args);
    va_end(args);
}

int task_line_count(const struct task *task)
{
    return task->lines;
}

int task_record_end(struct task *task, const struct error *failure, struct error *err)
{
    autofree char *status = failure != NULL      ? task_clean_line(failure->message)
                            : task->warnings > 0 ? xasprintf("WARNINGS: %d", task->warnings)
                                                 : xstrdup("OK");
    autofree char *line = xasprintf("TASK %s%s", failure != NULL ? "ERROR: " : "", status);
    const struct local_end end = {
        .endtime = time(NULL),
        .result = failure != NULL      ? "error"
                  : task->warnings > 0 ? "warning"
                                       : "ok",
        .status = status,
        .last = {.number = task->lines + 1, .text = line},
    };
    struct upid upid;

    if (local_end_task(task->storage, task->number, &end, err) != 0)
        return -1;
    log_info("task %s ended: %s", task->upid, status);
    if (upid_parse(task->upid, &upid))
        metric_count_task(upid.type, end.result);
    event_publish("task", task->upid, json_pack("{s:s, s:s}", "state", "stopped", "status", status));
    return 0;
}
