/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a task: what is written meanwhile, and the exit status. A child process is the server; it answers
 * from a play of what the log and the status are, one after the other. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/shell/follow.h"
#include "client/shell/shell.h"

#define UPID "UPID:pve1:00000001:00000002:00000003:pcidriver:0000@3a01@3a00.0:root@pam!ci:"

/* What is asked for, and the answer. */
struct scene {
    const char *wanted; /* of the path and query */
    const char *reply;  /* NULL: hangs up */
};

#define LOG(start)      "/nodes/pve1/tasks/" UPID "/log?start=" start "&limit=0 "
#define STATUS          "/nodes/pve1/tasks/" UPID "/status "
#define RUNNING         "{\"data\":{\"status\":\"running\"}}"
#define STOPPED(status) "{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"" status "\"}}"

static char address[64];

/* Who connects and asks nothing only looks whether somebody is there. */
static void play(int listener, const struct scene *scene)
{
    char request[4096];

    while (scene->wanted != NULL) {
        int fd = accept(listener, NULL, NULL);
        ssize_t length = read(fd, request, sizeof(request) - 1);
        request[length > 0 ? length : 0] = '\0';
        bool expected = strstr(request, scene->wanted) != NULL;
        if (length > 0 && scene->reply != NULL)
            dprintf(fd, "HTTP/1.1 %s\r\nConnection: close\r\n\r\n%s",
                    expected ? "200 OK" : "500 not asked for now", expected ? scene->reply : "");
        close(fd);
        scene += length > 0;
    }
    _exit(0);
}

static void start(const struct scene *scenes)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    cr_redirect_stdout();
    cr_redirect_stderr();
    snprintf(address, sizeof(address), "/tmp/hostpci-client-follow-%d", getpid());
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", address);
    unlink(address);
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
    cr_assert_eq(listen(listener, 8), 0);
    if (fork() == 0) {
        alarm(30);
        play(listener, scenes);
    }
    close(listener);
}

static bool ended; /* the last task that was followed */

static int follow(const char *upid)
{
    int status = follow_task(&(const struct call_target){.socket = address}, upid, stdout, &ended);

    fflush(stdout);
    unlink(address);
    return status;
}

TestSuite(client_follow, .timeout = 60);

Test(client_follow, writes_each_line_once_and_ends_with_the_task)
{
    static const struct scene scenes[] = {
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"no content\"}],\"total\":1}"},
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"one\"},{\"n\":2,\"t\":\"two\"}],\"total\":2}"},
        {LOG("2"), "{\"data\":[],\"total\":2}"},
        {LOG("2"), "{\"data\":[{\"n\":3,\"t\":\"TASK OK\"}],\"total\":3}"},
        {STATUS, STOPPED("OK")},
        {LOG("3"), "{\"data\":[],\"total\":3}"},
        {NULL, NULL},
    };

    start(scenes);
    cr_assert_eq(follow(UPID), SHELL_DONE);
    cr_assert_stdout_eq_str("one\ntwo\nTASK OK\n");
}

Test(client_follow, warnings_are_no_failure)
{
    static const struct scene scenes[] = {
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"TASK WARNINGS: 2\"}]}"},
        {STATUS, STOPPED("WARNINGS: 2")},
        {LOG("1"), "{\"data\":[]}"},
        {NULL, NULL},
    };

    start(scenes);
    cr_assert_eq(follow(UPID), SHELL_DONE);
}

Test(client_follow, line_that_only_looks_like_the_end_is_none)
{
    static const struct scene scenes[] = {
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"TASK OK\"}]}"},
        {STATUS, RUNNING},
        {LOG("1"), "{\"data\":[{\"n\":2,\"t\":\"TASK ERROR: it \\u001b[2J failed\"}]}"},
        {STATUS, STOPPED("it failed")},
        {LOG("2"), "{\"data\":[]}"},
        {NULL, NULL},
    };

    start(scenes);
    cr_assert_eq(follow(UPID), SHELL_FAILED);
    cr_assert(ended);
    cr_assert_stdout_eq_str("TASK OK\nTASK ERROR: it \\x1b[2J failed\n");
}

Test(client_follow, daemon_may_be_away_for_a_while)
{
    static const struct scene scenes[] = {
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"one\"}]}"},
        {LOG("1"), NULL},
        {LOG("1"), "{\"data\":[{\"n\":2,\"t\":\"TASK OK\"}]}"},
        {STATUS, NULL},
        {LOG("2"), "{\"data\":[]}"},
        {STATUS, STOPPED("OK")},
        {LOG("2"), "{\"data\":[]}"},
        {NULL, NULL},
    };

    start(scenes);
    cr_assert_eq(follow(UPID), SHELL_DONE);
    cr_assert_stdout_eq_str("one\nTASK OK\n");
}

Test(client_follow, says_what_the_server_refuses)
{
    static const struct scene scenes[] = {{"something else", ""}, {NULL, NULL}};

    start(scenes);
    cr_assert_eq(follow(UPID), SHELL_FAILED);
    cr_assert_not(ended);
    cr_assert_stderr_eq_str("hostpci: not asked for now\n");
}

Test(client_follow, interrupt_ends_only_the_following)
{
    static const struct scene scenes[] = {
        {LOG("0"), "{\"data\":[{\"n\":1,\"t\":\"one\"}]}"},
        {LOG("1"), "{\"data\":[]}"},
        {LOG("1"), "{\"data\":[]}"},
        {LOG("1"), "{\"data\":[]}"},
        {LOG("1"), "{\"data\":[]}"},
        {LOG("1"), "{\"data\":[]}"},
        {NULL, NULL},
    };

    start(scenes);
    if (fork() == 0) {
        usleep(200000);
        kill(getppid(), SIGINT);
        _exit(0);
    }
    cr_assert_eq(follow(UPID), SHELL_INTERRUPTED);
    cr_assert_stdout_eq_str("one\n");
    cr_assert_stderr_eq_str("\nThe task goes on. To see its log: hostpci get '/nodes/pve1/tasks/" UPID
                            "/log' --limit 0\n"
                            "To stop it: hostpci delete '/nodes/pve1/tasks/" UPID "'\n");
}

Test(client_follow, name_that_is_none_is_told)
{
    cr_redirect_stderr();
    cr_assert_eq(follow("UPID"), SHELL_FAILED);
    cr_assert_stderr_eq_str("hostpci: the server started a task, but its name is malformed: UPID\n");
}
