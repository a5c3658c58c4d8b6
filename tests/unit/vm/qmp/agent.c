/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of the guest agent, against agents that are honest, and against some that are not. */
#include "vm/qmp/agent.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define PLENTY 60000 /* milliseconds, for what ends by itself */
#define SHORT  50    /* for what never ends */

static pid_t guest;

static void tidy(void)
{
    if (guest > 0) {
        kill(guest, SIGKILL);
        waitpid(guest, NULL, 0);
    }
}

TestSuite(agent, .fini = tidy, .timeout = 120);

static void say(int socket, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(1);
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void hear_line(int socket, char *ret, size_t size)
{
    size_t length = 0;

    while (length + 1 < size && read(socket, &ret[length], 1) == 1 && ret[length] != '\n')
        length++;
    ret[length] = '\0';
}

/* A guest that has something left over, agrees, and answers the command with `times` times `reply`. */
static int guest_that_says(const char *reply, size_t times)
{
    static const char stale[] = "{\"return\": {\"old\": 1}}\n\xff{\"return\": 1}\n";
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    guest = fork();
    if (guest == 0) {
        char line[256];
        unsigned number = 0;
        close(pair[0]);
        hear_line(pair[1], line, sizeof(line));
        const char *id = strstr(line, "\"id\":");
        if (id == NULL || sscanf(id, "\"id\":%u", &number) != 1)
            _exit(1);
        autofree char *answer = xasprintf("\xff{\"return\": %u}\n", number);
        say(pair[1], stale, strlen(stale));
        say(pair[1], answer, strlen(answer));
        hear_line(pair[1], line, sizeof(line));
        for (size_t i = 0; i < times; i++)
            say(pair[1], reply, strlen(reply));
        hear_line(pair[1], line, sizeof(line)); /* until the other end is closed */
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

static int ask(const char *reply, size_t times, unsigned milliseconds, json_t **ret, struct error *err)
{
    autoclose int socket = guest_that_says(reply, times);

    cr_assert_eq(agent_sync(socket, PLENTY, err), 0, "%s", err->message);
    return agent_execute(socket, "guest-info", milliseconds, ret, err);
}

static void is_refused(const char *reply, size_t times, unsigned milliseconds, enum error_kind kind)
{
    json_t *answer = NULL;
    struct error err;

    cr_assert_eq(ask(reply, times, milliseconds, &answer, &err), -1);
    cr_expect_eq(err.kind, kind, "%s", err.message);
    cr_expect_null(answer);
}

Test(agent, tells_the_reply_and_drops_what_was_left_over)
{
    autojson json_t *answer = NULL;
    struct error err;

    cr_assert_eq(ask("{\"return\": {\"version\": \"9\"}}\n", 1, PLENTY, &answer, &err), 0, "%s", err.message);
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(answer, "return"), "version")), "9");
}

Test(agent, tells_an_error_of_the_agent_as_it_came)
{
    autojson json_t *answer = NULL;
    struct error err;

    cr_assert_eq(ask("{\"error\": {\"class\": \"C\", \"desc\": \"D\"}}\n", 1, PLENTY, &answer, &err), 0);
    cr_expect_not_null(json_object_get(answer, "error"));
}

Test(agent, that_never_ends_its_reply_is_left)
{
    is_refused("{\"return\": ", 1, SHORT, ERROR_BUSY);
    is_refused("", 1, SHORT, ERROR_BUSY);
}

Test(agent, that_says_too_much_is_left)
{
    is_refused("0123456789abcdef", AGENT_REPLY_LIMIT, PLENTY, ERROR_TOO_LARGE);
}

Test(agent, that_nests_too_deeply_or_says_no_json_is_refused)
{
    for (size_t levels = AGENT_REPLY_LEVELS; levels < 10000; levels *= 9) {
        autofree char *open = xcalloc(1, levels + 1), *close = xcalloc(1, levels + 1);
        memset(open, '[', levels);
        memset(close, ']', levels);
        autofree char *reply = xasprintf("{\"return\": %s%s}\n", open, close);
        is_refused(reply, 1, PLENTY, ERROR_UNREADABLE);
    }
    is_refused("{\"return\": \"\x1b[2J\"}\n", 1, PLENTY, ERROR_UNREADABLE);
    is_refused("[]\n", 1, PLENTY, ERROR_UNREADABLE);
    is_refused("{}\n", 1, PLENTY, ERROR_UNREADABLE);
    is_refused("{\"error\": 1}\n", 1, PLENTY, ERROR_UNREADABLE);
}
