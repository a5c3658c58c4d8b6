/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives the local socket its name, and later removes it, in a folder that belongs to root. */
#include "server/daemon/publisher.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/memory.h"
#include "server/http/listen.h"

#define SOCKET 3 /* the child's only file besides standard input, output and error */

static void remove_socket(const char *path)
{
    autofree char *temporary = xasprintf("%s.new", path);

    unlink(temporary);
    unlink(path);
}

/* CAP_DAC_OVERRIDE stays, because the folder of --socket may belong to another user. */
static bool confine(int socket)
{
    struct error err;

    return dup2(socket, SOCKET) == SOCKET && close_range(SOCKET + 1, ~0U, 0) == 0 &&
           capability_keep(CAPABILITY(CAP_DAC_OVERRIDE), &err) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Runs in the child. The daemon sends a 'p' to have the socket published, which is answered with a struct
 * error whose message is empty on success, and later one more byte to have it removed. At the end of the
 * stream the daemon has died: the socket stays for the next daemon, which replaces it. */
_Noreturn static void serve(const char *path, int socket)
{
    struct error err = {.message = ""};
    char byte;

    prctl(PR_SET_NAME, "hostpci-socket");
    setpgid(0, 0); /* Ctrl-C on the terminal is for the daemon, which ends us in order */
    if (!confine(socket))
        _exit(EXIT_FAILURE);
    if (TEMP_FAILURE_RETRY(recv(SOCKET, &byte, 1, 0)) != 1)
        _exit(EXIT_SUCCESS);
    if (byte == 'p') {
        listen_publish(path, &err);
        if (send(SOCKET, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err) ||
            TEMP_FAILURE_RETRY(recv(SOCKET, &byte, 1, 0)) != 1)
            _exit(EXIT_SUCCESS);
    }
    remove_socket(path);
    _exit(EXIT_SUCCESS);
}

int publisher_start(struct publisher *publisher, struct error *err)
{
    int ends[2];

    if (publisher->path == NULL || geteuid() != 0)
        return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot start the local socket's helper process");
    publisher->socket = ends[0];
    publisher->pid = fork();
    if (publisher->pid == 0)
        serve(publisher->path, ends[1]);
    close(ends[1]);
    if (publisher->pid < 0)
        return error_set_errno(err, errno, "cannot start the local socket's helper process");
    return 0;
}

int publisher_publish(struct publisher *publisher, struct error *err)
{
    struct error answer;

    if (publisher->pid == 0)
        return listen_publish(publisher->path, err);
    if (send(publisher->socket, "p", 1, MSG_NOSIGNAL) != 1 ||
        recv(publisher->socket, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer))
        return error_set(err, ERROR_FAILED, "the local socket's helper process has died: restart hostpci");
    if (answer.message[0] == '\0')
        return 0;
    *err = answer;
    return -1;
}

void publisher_stop(struct publisher *publisher)
{
    if (publisher->path == NULL)
        return;
    if (publisher->pid > 0) {
        send(publisher->socket, "r", 1, MSG_NOSIGNAL);
        close(publisher->socket);
        TEMP_FAILURE_RETRY(waitpid(publisher->pid, NULL, 0));
    } else {
        remove_socket(publisher->path);
    }
    *publisher = (struct publisher){.path = NULL};
}
