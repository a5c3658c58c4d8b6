/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that starts QEMU to ask it. It has one thread and does one thing at a time. */
#include "broker/probe/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "vm/probe/features.h"

#define SOCKET         3 /* the only file beside standard input, output and error */
#define COMPLAINT_SIZE 256

struct question {
    const char *binary;
    pid_t pid;
    int end;       /* pidfd: readable when QEMU has ended */
    int output;    /* does not block */
    int complaint; /* its standard error, the same */
    struct text text;
};

/* In the child that becomes QEMU. */
static void become_qemu(const char *binary, int input, int output, int complaint)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    sigset_t none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(complaint, STDERR_FILENO) >= 0)
        execve(binary, (char *const *)vm_features_arguments, (char *const *)environment);
    dprintf(STDERR_FILENO, "%s\n", strerror(errno));
    _exit(127);
}

/* The read end of a pipe that holds all questions. They are fewer than a pipe takes. */
static int write_questions(void)
{
    autotext struct text lines = {0};
    int ends[2];

    for (const char *const *question = vm_features_questions; *question != NULL; question++)
        text_printf(&lines, "%s\n", *question);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    ssize_t written = write(ends[1], lines.data, lines.length);
    close(ends[1]);
    fcntl(ends[0], F_SETFL, 0);
    if (written == (ssize_t)lines.length)
        return ends[0];
    close(ends[0]);
    return -1;
}

static void close_pair(const int ends[static 2])
{
    if (ends[0] >= 0)
        close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
}

static int start(const char *binary, struct question *ret, struct error *err)
{
    autoclose int input = write_questions();
    int output[2] = {-1, -1}, complaint[2] = {-1, -1};

    /* what does not fit into the pipe of its standard error is lost, without QEMU waiting */
    if (input < 0 || pipe2(output, O_CLOEXEC) != 0 || pipe2(complaint, O_CLOEXEC | O_NONBLOCK) != 0 ||
        fcntl(output[0], F_SETFL, O_NONBLOCK) != 0 || (ret->pid = fork()) < 0) {
        error_set_errno(err, errno, "cannot start '%s'", binary);
        close_pair(output);
        close_pair(complaint);
        return -1;
    }
    if (ret->pid == 0)
        become_qemu(binary, input, output[1], complaint[1]);
    close(output[1]);
    close(complaint[1]);
    ret->binary = binary;
    ret->end = (int)syscall(SYS_pidfd_open, ret->pid, 0);
    ret->output = output[0];
    ret->complaint = complaint[0];
    return 0;
}

/* False: there is no more now. One byte beyond the limit is kept, by which it is seen. */
static bool read_some(struct question *question)
{
    char bytes[16384];
    size_t room = VM_FEATURES_LIMIT + 1 - question->text.length;
    ssize_t count =
        TEMP_FAILURE_RETRY(read(question->output, bytes, room < sizeof(bytes) ? room : sizeof(bytes)));

    if (count <= 0)
        return false;
    text_append_bytes(&question->text, bytes, (size_t)count);
    return true;
}

/* Until QEMU has ended. */
static int follow(struct question *question, struct error *err)
{
    struct pollfd watched[] = {
        {.fd = question->end, .events = POLLIN}, {.fd = question->output, .events = POLLIN}, {.fd = SOCKET}};
    long long until = clock_milliseconds() + QEMU_ASKER_SECONDS * 1000LL;

    while (watched[0].revents == 0) {
        long long left = until - clock_milliseconds();
        if (poll(watched, COUNT_OF(watched), left > 0 ? (int)left : 0) == 0 && left <= 0)
            return error_set(err, ERROR_FAILED, "'%s' did not answer within %d s and was killed",
                             question->binary, QEMU_ASKER_SECONDS);
        if (watched[2].revents != 0)
            return error_set(err, ERROR_FAILED, "nobody waits for the answer");
        if (watched[1].revents != 0 && !read_some(question))
            watched[1].fd = -1; /* closed */
        if (question->text.length > VM_FEATURES_LIMIT)
            break;
    }
    while (question->text.length <= VM_FEATURES_LIMIT && read_some(question))
        ;
    if (question->text.length <= VM_FEATURES_LIMIT)
        return 0;
    return error_set(err, ERROR_FAILED, "'%s' wrote more than the %zu MiB that QEMU's answers can be",
                     question->binary, VM_FEATURES_LIMIT >> 20);
}

/* The last line that it wrote to standard error, as plain ASCII. */
static const char *last_complaint(struct question *question, char buffer[static COMPLAINT_SIZE])
{
    size_t length = 0;
    char byte;

    buffer[0] = '\0';
    for (bool ended = false; TEMP_FAILURE_RETRY(read(question->complaint, &byte, 1)) == 1;) {
        if (ended)
            length = 0;
        ended = byte == '\n';
        if (!ended && length < COMPLAINT_SIZE - 1)
            buffer[length++] = byte >= ' ' && byte <= '~' ? byte : '?';
        buffer[length] = '\0';
    }
    return buffer[0] != '\0' ? buffer : "it said nothing";
}

static int judge(struct question *question, int status, struct error *err)
{
    char buffer[COMPLAINT_SIZE];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    const char *said = last_complaint(question, buffer);
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_FAILED, "'%s' was killed by signal %d: %s", question->binary,
                         WTERMSIG(status), said);
    return error_set(err, ERROR_FAILED, "'%s' ended with status %d: %s", question->binary,
                     WEXITSTATUS(status), said);
}

static int ask(const char *binary, struct text *ret, struct error *err)
{
    struct question question = {0};
    int status = 0;

    if (start(binary, &question, err) != 0)
        return -1;
    int result = follow(&question, err);
    kill(-question.pid, SIGKILL); /* and what it may have left behind */
    TEMP_FAILURE_RETRY(waitpid(question.pid, &status, 0));
    if (result == 0)
        result = judge(&question, status, err);
    close(question.end);
    close(question.output);
    close(question.complaint);
    *ret = question.text;
    return result;
}

static bool send_all(const void *data, size_t length)
{
    while (length > 0) {
        ssize_t count = TEMP_FAILURE_RETRY(send(SOCKET, data, length, MSG_NOSIGNAL));
        if (count < 0)
            return false;
        data = (const char *)data + count;
        length -= (size_t)count;
    }
    return true;
}

static bool answer(const char *binary)
{
    autotext struct text text = {0};
    struct error err;
    bool failed = ask(binary, &text, &err) != 0;
    const char *data = failed ? err.message : text_string(&text);
    struct qemu_answer header = {failed, (uint32_t)(failed ? strlen(err.message) : text.length)};

    return send_all(&header, sizeof(header)) && send_all(data, header.length);
}

/* The front must not reach into this process, which may start programs. */
static bool confine(int socket)
{
    struct error err;

    return dup2(socket, SOCKET) == SOCKET && fcntl(SOCKET, F_SETFD, FD_CLOEXEC) == 0 &&
           close_range(SOCKET + 1, ~0U, 0) == 0 && freopen("/dev/null", "r", stdin) != NULL &&
           freopen("/dev/null", "w", stdout) != NULL && capability_keep(0, &err) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void qemu_asker_run(const char *binary, int socket)
{
    char byte;

    prctl(PR_SET_NAME, "hostpci-qemu");
    if (!confine(socket))
        _exit(EXIT_FAILURE);
    while (TEMP_FAILURE_RETRY(recv(SOCKET, &byte, 1, 0)) == 1 && answer(binary))
        ;
    _exit(EXIT_SUCCESS);
}
