/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows a task: prints its log as it grows, until it ends. */
#include "client/shell/follow.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "client/print/cell.h"
#include "client/shell/shell.h"
#include "task/upid.h"

#define SHORTEST_PAUSE  50 /* milliseconds between two requests */
#define LONGEST_PAUSE   1000
#define ABSENCE_SECONDS 30 /* how long a daemon that restarts may be away */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    interrupted = number;
}

static int get(const struct call_target *target, const char *path, struct call_parameter *parameters,
               size_t count, json_t **ret, struct error *err)
{
    autoreply struct call_reply reply = {0};

    if (call_send(target, METHOD_GET, path, parameters, count, &reply, err) != 0)
        return -1;
    if (reply.status < 200 || reply.status > 299)
        return error_set(err, ERROR_FAILED, "%s", reply.message);
    *ret = TAKE(reply.data);
    return 0;
}

/* An empty log is sent as this line. */
static bool is_empty(const json_t *lines)
{
    const char *text = json_string_value(json_object_get(json_array_get(lines, 0), "t"));

    return json_array_size(lines) == 1 && text != NULL && strcmp(text, "no content") == 0;
}

/* The task that is followed, and how far. */
struct following {
    const struct call_target *target;
    FILE *out;        /* what its log is written to */
    char *path;       /* of the task */
    char start[24];   /* the number of lines that were written */
    bool looks_ended; /* the last of them looks like the end of the task */
    char *exitstatus; /* NULL: the task runs */
    time_t answered;  /* when the daemon answered last */
    long pause;       /* in milliseconds, until the next request */
};

static int write_lines(struct following *following, struct error *err)
{
    struct call_parameter part[] = {{(char *)"start", following->start}, {(char *)"limit", (char *)"0"}};
    autofree char *path = xasprintf("%s/log", following->path);
    autojson json_t *lines = NULL;
    autotext struct text text = {0};
    const json_t *line;
    size_t i;

    if (get(following->target, path, part, COUNT_OF(part), &lines, err) != 0)
        return -1;
    if (json_array_size(lines) == 0 || is_empty(lines))
        return 0;
    json_array_foreach(lines, i, line) {
        autofree char *safe = cell_of_value(json_object_get(line, "t"));
        text_printf(&text, "%s\n", safe);
        following->looks_ended = text_starts_with(safe, "TASK ");
        snprintf(following->start, sizeof(following->start), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(line, "n")));
    }
    following->pause = SHORTEST_PAUSE;
    if (fputs(text_string(&text), following->out) == EOF || fflush(following->out) != 0)
        return error_set_errno(err, errno, "the task goes on, but its log cannot be printed");
    return 0;
}

/* When the task ends, its last line appears in the log. But any other line may look like that one, so the
 * status is requested, too. */
static int read_progress(struct following *following, struct error *err)
{
    autofree char *path = xasprintf("%s/status", following->path);
    autojson json_t *task = NULL;

    if (write_lines(following, err) != 0)
        return -1;
    if (!following->looks_ended)
        return 0;
    if (get(following->target, path, NULL, 0, &task, err) != 0)
        return -1;
    const char *exitstatus = json_string_value(json_object_get(task, "exitstatus"));
    if (exitstatus == NULL)
        return 0;
    if (write_lines(following, err) != 0)
        return -1;
    following->exitstatus = xstrdup(exitstatus);
    return 0;
}

static int explain_interrupt(const struct following *following)
{
    const char *server = following->target->server;
    autofree char *where = server != NULL ? xasprintf(" --server %s", server) : xstrdup("");

    fprintf(stderr,
            "\nThe task goes on. To see its log: hostpci get '%s/log' --limit 0%s\n"
            "To stop it: hostpci delete '%s'%s\n",
            following->path, where, following->path, where);
    return SHELL_INTERRUPTED;
}

/* Only the first Ctrl-C is caught: the second one ends us even if the daemon does not answer. */
static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
}

static void wait_a_little(struct following *following)
{
    nanosleep(&(const struct timespec){following->pause / 1000, following->pause % 1000 * 1000000}, NULL);
    following->pause = following->pause * 2 < LONGEST_PAUSE ? following->pause * 2 : LONGEST_PAUSE;
}

/* Returns when the task has ended, or we are interrupted. It survives a restart of the daemon, since the new
 * daemon resumes the tasks of the old one. */
static int follow(struct following *following, struct error *err)
{
    while (interrupted == 0) {
        if (read_progress(following, err) == 0)
            following->answered = time(NULL);
        else if (err->kind != ERROR_NO_HOST || time(NULL) - following->answered >= ABSENCE_SECONDS)
            return -1;
        if (following->exitstatus != NULL)
            return 0;
        wait_a_little(following);
    }
    return 0;
}

int follow_task(const struct call_target *target, const char *upid, FILE *out, bool *ret_ended)
{
    struct following following = {
        .target = target, .out = out, .start = "0", .answered = time(NULL), .pause = SHORTEST_PAUSE};
    struct upid parts;
    struct error err;

    *ret_ended = false;
    if (!upid_parse(upid, &parts)) {
        error_set(&err, ERROR_FAILED, "the server started a task, but its name is malformed: %s", upid);
        return shell_complain(&err);
    }
    autofree char *path = xasprintf("/nodes/%s/tasks/%s", parts.node, upid);
    following.path = path;
    catch_interrupt();
    if (follow(&following, &err) != 0)
        return shell_complain(&err);
    autofree char *exitstatus = following.exitstatus;
    if (exitstatus == NULL)
        return explain_interrupt(&following);
    *ret_ended = true;
    bool well = strcmp(exitstatus, "OK") == 0 || text_starts_with(exitstatus, "WARNINGS: ");
    return well ? SHELL_DONE : SHELL_FAILED;
}
