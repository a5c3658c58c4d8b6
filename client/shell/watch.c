/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci watch`: what changes, a line each, until it is interrupted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/print/cell.h"
#include "client/print/print.h"
#include "client/shell/shell.h"

#define EVENTS          "/cluster/events"
#define ABSENCE_SECONDS 30 /* how long a daemon that restarts may be away */

struct watch {
    enum print_format format;
    bool failed; /* nobody reads what is printed */
    time_t heard;
};

/* "12:00:01  task    UPID:... stopped: OK" */
static char *print_line(const json_t *event)
{
    autofree char *type = cell_of_value(json_object_get(event, "type")),
                  *id = cell_of_value(json_object_get(event, "id")),
                  *state = cell_of_value(json_object_get(event, "state")),
                  *status = cell_of_value(json_object_get(event, "status"));
    const char *removed = json_object_get(event, "removed") != NULL ? "removed" : "";
    char clock[16] = "";
    time_t now = time(NULL);
    struct tm local;
    struct text line = {0};

    if (localtime_r(&now, &local) != NULL)
        strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    text_printf(&line, "%s  %-11s %s", clock, type, strcmp(type, "reset") == 0 ? "more has changed" : id);
    for (const char *const *word = (const char *const[]){state, status, removed, NULL}; *word != NULL; word++)
        text_printf(&line, "%s%s", (*word)[0] != '\0' ? " " : "", *word);
    return text_take(&line);
}

static char *print_event(const json_t *event, enum print_format format)
{
    autofree char *json = json_dumps(event, JSON_COMPACT);

    if (format == PRINT_TEXT)
        return print_line(event);
    return xasprintf("%s%s", format == PRINT_YAML ? "- " : "", json);
}

static bool take(void *context, const json_t *event)
{
    struct watch *watch = context;
    autofree char *line = print_event(event, watch->format);

    watch->heard = time(NULL);
    watch->failed = puts(line) == EOF || fflush(stdout) != 0;
    return !watch->failed;
}

/* A stream that ended is opened again, from where it ended. */
static int follow(const struct options *options, struct watch *watch)
{
    struct call_listener listener = {.take = take, .context = watch};
    const struct shell_call call = {.method = METHOD_GET, .path = EVENTS};

    for (;;) {
        autoreply struct call_reply reply = {0};
        struct error err;
        int result = call_follow(&options->target, EVENTS, &listener, &reply, &err);
        if (watch->failed) {
            error_set_errno(&err, errno, "cannot write to standard output");
            return shell_complain(&err);
        }
        if (result == 0 && reply.status != 200)
            return shell_refuse(&reply, &options->target, &call);
        if (listener.opened)
            watch->heard = time(NULL);
        if (result != 0 && time(NULL) - watch->heard > ABSENCE_SECONDS)
            return shell_complain(&err);
        sleep(1);
    }
}

int shell_watch(int argc, char **argv)
{
    autooptions struct options options = {0};
    struct watch watch = {0};
    struct error err;

    if (options_parse(argc, argv, OPTIONS_TARGET | OPTIONS_FORMAT, METHOD_COUNT, &options, &err) != 0 ||
        print_format_parse(options.format, &watch.format, &err) != 0)
        return shell_complain(&err);
    if (options.argument != NULL) {
        error_set(&err, ERROR_INVALID, "'watch' takes no argument, but '%s' was given", options.argument);
        return shell_complain(&err);
    }
    return follow(&options, &watch);
}
