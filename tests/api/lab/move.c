/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving functions between drivers through the API. */
#include "tests/api/lab/move.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"

#define SECONDS 60
#define LOOKS   5000 /* of which one takes 10 ms, and some 50 ms in the lab */

void contains(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

char *move_begin(const struct move *move)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/driver", move->id);
    autotext struct text body = {0};

    text_printf(&body, "driver=%s", move->driver);
    if (move->scope != NULL)
        text_printf(&body, "&scope=%s", move->scope);
    if (move->persistent != NULL)
        text_printf(&body, "&persistent=%s", move->persistent);
    if (move->force)
        text_append(&body, "&force=1");
    const struct reply *reply = CALL(.method = "PUT", .path = path, .body = text_string(&body),
                                     .content_type = "application/x-www-form-urlencoded");
    cr_assert_eq(reply->status, 200, "%s", reply->phrase);
    return xstrdup(json_string_value(reply->data));
}

char *reset_begin(const char *id, bool force)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/reset", id);

    return xstrdup(json_string_value(post(path, "force", force ? "1" : "0", NULL)));
}

static const json_t *status_of(const char *upid)
{
    autofree char *path = xasprintf("/nodes/" NODE "/tasks/%s/status", upid);

    return get(path, NULL);
}

bool task_runs(const char *upid)
{
    return strcmp(text_of(status_of(upid), "status"), "running") == 0;
}

char *task_text(const char *upid)
{
    autofree char *path = xasprintf("/nodes/" NODE "/tasks/%s/log", upid);
    const json_t *lines = get(path, "limit", "0", NULL);
    struct text text = {0};
    size_t i;
    json_t *line;

    json_array_foreach(lines, i, line)
        text_printf(&text, "%s\n", text_of(line, "t"));
    return text_take(&text);
}

void task_says(const char *upid, const char *text)
{
    double end = machine_slept() + SECONDS;
    autofree char *log = task_text(upid);

    while (strstr(log, text) == NULL) {
        cr_assert_lt(machine_slept(), end, "the log does not say '%s':\n%s", text, log);
        machine_sleep(200);
        free(log);
        log = task_text(upid);
    }
}

char *task_end(const char *upid)
{
    const json_t *status = status_of(upid);
    unsigned looks = 0;

    while (strcmp(text_of(status, "status"), "running") == 0) {
        if (looks++ > LOOKS) {
            autofree char *log = task_text(upid);
            cr_assert_fail("task %s does not end:\n%s", upid, log);
        }
        machine_sleep(1);
        status = status_of(upid);
    }
    return xstrdup(text_of(status, "exitstatus"));
}

void task_succeeds(const char *upid)
{
    autofree char *end = task_end(upid);

    if (strcmp(end, "OK") != 0 && !text_starts_with(end, "WARNINGS: ")) {
        autofree char *log = task_text(upid);
        cr_assert_fail("%s: %s\n%s", upid, end, log);
    }
}

void task_fails(const char *upid, const char *text)
{
    autofree char *end = task_end(upid), *log = task_text(upid);

    cr_assert_str_neq(end, "OK", "%s", log);
    cr_assert_not_null(strstr(end, text), "'%s' is not in '%s':\n%s", text, end, log);
}

char *move_succeeds_log(const struct move *move)
{
    autofree char *upid = move_begin(move);

    task_succeeds(upid);
    return task_text(upid);
}

char *move_fails_log(const char *text, const struct move *move)
{
    autofree char *upid = move_begin(move);

    task_fails(upid, text);
    return task_text(upid);
}

void move_succeeds(const struct move *move)
{
    free(move_succeeds_log(move));
}

void move_fails(const char *text, const struct move *move)
{
    free(move_fails_log(text, move));
}
