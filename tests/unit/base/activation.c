/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that a service manager passes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/activation.h"
#include "base/memory.h"

/* Makes a listening socket under an abstract name that the kernel chooses, as file `number`. */
static bool pass(int number, int type)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    return bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(fd, 5) == 0 &&
           (fd == number || dup2(fd, number) == number);
}

static void say(const char *name, int number)
{
    autofree char *text = xasprintf("%d", number);

    setenv(name, text, 1);
}

/* In a child, whose files are its own. */
static int take_all(void)
{
    close_range(3, ~0U, 0);
    if (!pass(3, SOCK_SEQPACKET) || !pass(4, SOCK_STREAM))
        return 1;
    say("LISTEN_FDS", 2);
    say("LISTEN_PID", getppid());
    if (activation_take_socket(SOCK_STREAM) != -1)
        return 2;
    say("LISTEN_PID", getpid());
    if (activation_take_socket(SOCK_STREAM) != 4 || activation_take_socket(SOCK_SEQPACKET) != 3)
        return 3;
    if ((fcntl(4, F_GETFL) & O_NONBLOCK) == 0 || (fcntl(4, F_GETFD) & FD_CLOEXEC) == 0)
        return 4;
    say("LISTEN_FDS", 1);
    if (activation_take_socket(SOCK_STREAM) != -1)
        return 5;
    setenv("LISTEN_FDS", "4000000000000", 1);
    return activation_take_socket(SOCK_STREAM) == -1 ? 0 : 6;
}

Test(activation, takes_what_was_passed_to_this_process)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(take_all());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}
