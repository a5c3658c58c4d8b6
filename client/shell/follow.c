/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a task: its log as it comes, until it ends. */
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

#define SHORTEST_PAUSE  50 /* milliseconds between two looks */
#define LONGEST_PAUSE   1000
#define ABSENCE_SECONDS 30 /* of a daemon that restarts */

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

/* An empty log is told as a line, too. */
static bool is_empty(const json_t *lines)
{
    const char *text = json_string_value(json_object_get(json_array_get(lines, 0), "t"));

    return json_array_size(lines) == 1 && text != NULL && strcmp(text, "no content") == 0;
}

/* What is followed, and how far. */
struct following {
    const struct call_target *target;
    char *path;       /* of the task */
    char start[24];   /* how many lines were written */
    bool looks_ended; /* the last of them may be the end */
    char *exitstatus; /* NULL: it runs */
    time_t answered;  /* when the daemon did last */
    long pause;       /* in milliseconds, until it is asked again */
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
    if (fputs(text_string(&text), stdout) == EOF || fflush(stdout) != 0)
        return error_set_errno(err, errno, "the task goes on, but its log cannot be written");
    return 0;
}

/* Its last line is written together with its end; but any line may look like one. */
static int look(struct following *following, struct error *err)
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

static int tell_how_to_go_on(const struct following *following)
{
    const char *server = following->target->server;
    autofree char *where = server != NULL ? xasprintf(" --server %s", server) : xstrdup("");

    fprintf(stderr,
            "\nThe task goes on. Look at it: hostpci get '%s/log' --limit 0%s\n"
            "Stop it: hostpci delete '%s'%s\n",
            following->path, where, following->path, where);
    return SHELL_INTERRUPTED;
}

/* A second Ctrl-C ends us even if the daemon does not answer. */
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

/* Until it has ended or we are interrupted. A daemon that restarts takes up its tasks. */
static int follow(struct following *following, struct error *err)
{
    while (interrupted == 0) {
        if (look(following, err) == 0)
            following->answered = time(NULL);
        else if (err->kind != ERROR_NO_HOST || time(NULL) - following->answered >= ABSENCE_SECONDS)
            return -1;
        if (following->exitstatus != NULL)
            return 0;
        wait_a_little(following);
    }
    return 0;
}

int follow_task(const struct call_target *target, const char *upid)
{
    struct following following = {
        .target = target, .start = "0", .answered = time(NULL), .pause = SHORTEST_PAUSE};
    struct upid parts;
    struct error err;

    if (!upid_parse(upid, &parts)) {
        error_set(&err, ERROR_FAILED, "the server began a task, but its name is not understood: %s", upid);
        return shell_complain(&err);
    }
    autofree char *path = xasprintf("/nodes/%s/tasks/%s", parts.node, upid);
    following.path = path;
    catch_interrupt();
    if (follow(&following, &err) != 0)
        return shell_complain(&err);
    autofree char *exitstatus = following.exitstatus;
    if (exitstatus == NULL)
        return tell_how_to_go_on(&following);
    bool well = strcmp(exitstatus, "OK") == 0 || text_starts_with(exitstatus, "WARNINGS: ");
    return well ? SHELL_DONE : SHELL_FAILED;
}
