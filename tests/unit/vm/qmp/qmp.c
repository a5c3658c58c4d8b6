/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of QEMU's monitor, against a QEMU that follows the protocol, and against some that a guest has
 * taken over. */
#include "vm/qmp/qmp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define PLENTY   60000 /* milliseconds, for what ends by itself */
#define SHORT    50    /* for what never ends */
#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define AGREED   "{\"return\": {}, \"id\": #}\n"

static pid_t qemu;

static void tidy(void)
{
    if (qemu > 0) {
        kill(qemu, SIGKILL);
        waitpid(qemu, NULL, 0);
    }
}

TestSuite(qmp, .fini = tidy, .timeout = 120);

/* '#' stands for a number. */
static void say(int socket, const char *text, long long number)
{
    autotext struct text line = {0};

    for (; *text != '\0'; text++)
        if (*text == '#')
            text_printf(&line, "%lld", number);
        else
            text_append_bytes(&line, text, 1);
    for (size_t sent = 0; sent < line.length;) {
        ssize_t count = send(socket, line.data + sent, line.length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            _exit(1);
        sent += (size_t)count;
    }
}

/* A line, and a descriptor that may have come with it (-1: none); false at the end. */
static bool hear(int socket, char *ret, size_t size, int *ret_passed)
{
    size_t length = 0;

    for (*ret_passed = -1; length + 1 < size; length++) {
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec part = {&ret[length], 1};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        if (recvmsg(socket, &message, 0) != 1)
            return false;
        if (CMSG_FIRSTHDR(&message) != NULL)
            memcpy(ret_passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
        if (ret[length] == '\n')
            break;
    }
    ret[length] = '\0';
    return true;
}

/* Greets, agrees, and answers what it hears then with these replies, in which # is the command's id; the last
 * one without an end if `floods`. A descriptor gets the letter 'x'. Without a reply it ends when it has
 * agreed. */
static int start_qemu(const char *greeting, const char *const *replies, bool floods)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    qemu = fork();
    if (qemu != 0) {
        close(pair[1]);
        return pair[0];
    }
    close(pair[0]);
    say(pair[1], greeting, 0);
    char line[4096];
    int passed;
    bool stays = *replies != NULL;
    for (const char *next = AGREED; next != NULL && hear(pair[1], line, sizeof(line), &passed);
         next = *replies++) {
        const char *id = strstr(line, "\"id\":");
        long long number = id != NULL ? strtoll(id + strlen("\"id\":"), NULL, 10) : 0;
        if (passed >= 0 && write(passed, "x", 1) != 1)
            _exit(1);
        do
            say(pair[1], next, number);
        while (floods && strcmp(next, AGREED) != 0);
    }
    while (stays && hear(pair[1], line, sizeof(line), &passed))
        continue;
    _exit(0);
}

#define QEMU(...) start_qemu(GREETING, (const char *const[]){__VA_ARGS__, NULL}, false)

static struct qmp *adopt(int socket)
{
    struct qmp *qmp = NULL;
    struct error err;

    cr_assert_eq(qmp_adopt(socket, PLENTY, &qmp, &err), 0, "%s", err.message);
    return qmp;
}

static void fails(struct qmp *qmp, unsigned milliseconds, enum error_kind kind, const char *part)
{
    struct error err;

    cr_assert_eq(qmp_execute(qmp, "query-status", NULL, milliseconds, NULL, &err), -1);
    cr_expect_eq(err.kind, kind, "%s", err.message);
    cr_expect_not_null(strstr(err.message, part), "%s", err.message);
}

/* Events may come before it, and answers to what was asked before and given up. */
Test(qmp, tells_the_answer_to_its_own_command_and_keeps_events)
{
    autoqmp struct qmp *qmp = adopt(QEMU("{\"event\": \"STOP\"}\n{\"return\": 1, \"id\": 7000}\n"
                                         "{\"return\": {\"status\": \"paused\"}, \"id\": #}\n{\"event\": "));
    autojson json_t *answer = NULL;
    struct error err;

    cr_assert_eq(qmp_execute(qmp, "query-status", json_pack("{s:i}", "a", 1), PLENTY, &answer, &err), 0);
    cr_expect_str_eq(json_text(answer, "status"), "paused");
    cr_expect_eq(qmp_wait(qmp, "STOP", SHORT, &err), 0);
    cr_expect_eq(qmp_wait(qmp, "STOP", SHORT, &err), -1, "it came once");
    cr_expect_eq(err.kind, ERROR_BUSY, "%s", err.message);
}

Test(qmp, tells_a_refusal_in_qemu_s_words)
{
    autoqmp struct qmp *qmp =
        adopt(QEMU("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}, \"id\": #}\n"));

    fails(qmp, PLENTY, ERROR_FAILED, "no such thing");
}

Test(qmp, passes_a_descriptor_with_one_command)
{
    autoqmp struct qmp *qmp = adopt(QEMU(AGREED, AGREED));
    struct error err;
    int ends[2];
    char letter = 0;

    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    qmp_pass(qmp, ends[1]);
    cr_assert_eq(qmp_execute(qmp, "getfd", NULL, PLENTY, NULL, &err), 0, "%s", err.message);
    cr_expect_eq(read(ends[0], &letter, 1), 1);
    cr_assert_eq(qmp_execute(qmp, "getfd", NULL, PLENTY, NULL, &err), 0, "%s", err.message);
    cr_expect_eq(read(ends[0], &letter, 1), -1, "it was passed twice");
    close(ends[0]);
    close(ends[1]);
}

Test(qmp, that_is_none_is_refused)
{
    static const char *const greetings[] = {"RFB 003.008\n", "[]\n", "{}\n"};
    struct qmp *qmp;
    struct error err;

    for (size_t i = 0; i < COUNT_OF(greetings); i++) {
        cr_assert_eq(
            qmp_adopt(start_qemu(greetings[i], (const char *const[]){NULL}, false), PLENTY, &qmp, &err), -1);
        cr_expect_eq(err.kind, ERROR_UNREADABLE, "%s", err.message);
        tidy();
    }
}

Test(qmp, that_ends_or_says_nothing_is_left)
{
    autoqmp struct qmp *ended = adopt(QEMU(NULL));
    fails(ended, PLENTY, ERROR_NOT_FOUND, "closed its monitor");
    tidy();
    autoqmp struct qmp *silent = adopt(QEMU("{\"return\": {}, \"id\": 0}\n", "late"));
    fails(silent, SHORT, ERROR_BUSY, "does not answer in time");
}

Test(qmp, that_says_too_much_is_left)
{
    autofree char *long_word = xcalloc(1, QMP_LINE_LIMIT + 65536);
    memset(long_word, 'x', QMP_LINE_LIMIT + 65535);
    autoqmp struct qmp *qmp = adopt(QEMU(long_word));
    fails(qmp, PLENTY, ERROR_TOO_LARGE, "a message of more than");
}

/* Each message is whole and small, and there is always another one. */
Test(qmp, that_never_stops_is_left_at_the_deadline)
{
    static const char *const flood[] = {"{\"event\": \"RTC_CHANGE\"}\n", NULL};
    autoqmp struct qmp *qmp = adopt(start_qemu(GREETING, flood, true));
    struct error err;

    fails(qmp, SHORT, ERROR_BUSY, "does not answer in time");
    cr_expect_eq(qmp_wait(qmp, "SHUTDOWN", SHORT, &err), -1);
    cr_expect_eq(err.kind, ERROR_BUSY, "%s", err.message);
}

/* Nobody takes up a connection, and there is room for some that wait. */
Test(qmp, that_takes_up_no_connection_is_left)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct qmp *qmp = NULL;
    struct error err;

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/qmp-%d", (int)getpid());
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    for (unsigned i = 0; i < 5; i++) {
        cr_expect_eq(qmp_open(address.sun_path, SHORT, &qmp, &err), -1);
        cr_expect_eq(err.kind, ERROR_BUSY, "%s", err.message);
    }
    unlink(address.sun_path);
    close(fd);
}
