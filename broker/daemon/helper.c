/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that runs programs for workers where there is no systemd. */
#include "broker/daemon/helper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exec.h"
#include "base/memory.h"
#include "broker/worker/unit.h"

#define GRACE_MS 5000 /* between asking a program to end and ending it */

struct order {
    struct unit_order what;
    int output, status;
};

/* False once nobody is left who could send orders. An order without two descriptors has -1 for them: it is
 * ignored, as the worker notices. */
static bool receive(int socket, struct order *ret)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec part = {&ret->what, sizeof(ret->what)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int fds[2];

    ret->output = ret->status = -1;
    ssize_t count = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    if (count <= 0)
        return false;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (count != (ssize_t)sizeof(ret->what) || header == NULL || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(fds)))
        return true;
    memcpy(fds, CMSG_DATA(header), sizeof(fds));
    ret->output = fds[0];
    ret->status = fds[1];
    ret->what.argument[sizeof(ret->what.argument) - 1] = '\0';
    return true;
}

/* Ends the program early if its worker no longer wants it, or was killed, and so has closed its end. */
static void wait_for_end(pid_t pid, const struct order *order)
{
    autoclose int end = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched[] = {{.fd = end, .events = POLLIN}, {.fd = order->status, .events = 0}};

    poll(watched, COUNT_OF(watched), -1);
    if (watched[0].revents != 0)
        return;
    kill(-pid, SIGTERM);
    poll(watched, 1, GRACE_MS);
    kill(-pid, SIGKILL);
}

_Noreturn static void run(const struct order *order)
{
    const char *argument = order->what.argument[0] != '\0' ? order->what.argument : NULL;
    struct program_command command;
    struct error err;
    int status = EXIT_FAILURE << 8;
    pid_t pid;

    signal(SIGCHLD, SIG_DFL);
    if (program_fill((enum program)order->what.program, argument, &command, &err) == 0 &&
        exec_start(command.argv, order->output, &pid, &err) == 0) {
        wait_for_end(pid, order);
        TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    } else {
        dprintf(order->output, "%s\n", err.message);
    }
    close(order->output);
    _exit(write(order->status, &status, sizeof(status)) == (ssize_t)sizeof(status) ? EXIT_SUCCESS
                                                                                   : EXIT_FAILURE);
}

_Noreturn static void serve(int socket)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD};
    struct order order;

    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
    if (socket > STDERR_FILENO + 1)
        close_range(STDERR_FILENO + 1, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, UINT_MAX, 0);
    while (receive(socket, &order)) {
        if (order.status < 0)
            continue;
        if (fork() == 0)
            run(&order);
        close(order.output);
        close(order.status);
    }
    _exit(EXIT_SUCCESS);
}

int helper_start(const struct sysroot *sysroot, int *ret, struct error *err)
{
    int ends[2];

    *ret = -1;
    if (program_has_manager() && program_may_run(sysroot))
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot start the process that runs programs");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        serve(ends[1]);
    }
    int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_set_errno(err, reason, "cannot start the process that runs programs");
    }
    *ret = ends[0];
    return 0;
}
