/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's socket. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/daemon/listen.h"

#define BACKLOG 256

static int set_path(const char *path, struct sockaddr_un *ret, struct error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret->sun_path))
        return error_set(
            err, ERROR_INVALID,
            "the path of the broker's socket, '%s', is too long: at most %zu bytes; give another "
            "--run-dir",
            path, sizeof(ret->sun_path) - 1);
    stpcpy(ret->sun_path, path);
    return 0;
}

/* The socket of a broker that was killed stays connectable as long as one of its workers has not closed it,
 * but nobody answers there. The kernel knows the process that began to listen (unix(7), SO_PEERCRED). */
static bool is_alive(int fd)
{
    struct ucred listener;
    socklen_t size = sizeof(listener);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0 || kill(listener.pid, 0) == 0 ||
           errno != ESRCH;
}

static int check_free(const char *path, struct error *err)
{
    autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;
    struct stat status;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a socket");
    if (set_path(path, &address, err) != 0)
        return -1;
    if (lstat(path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, ERROR_CONFLICT,
                         "'%s' exists and is not a socket: move it away, or give another --run-dir", path);
    /* EAGAIN: somebody listens and has no room for more clients now */
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (connected ? is_alive(fd) : errno == EAGAIN)
        return error_set(err, ERROR_CONFLICT,
                         "another broker answers on '%s': stop it, or give another --run-dir", path);
    return 0;
}

/* The folder is root's (broker/run_dir.h), so nobody can put anything else in the socket's place before it is
 * given away. A broker of an ordinary user is for that user alone. */
static int give(const char *path, uid_t front)
{
    return geteuid() != 0 ? 0 : lchown(path, front, (gid_t)-1);
}

int broker_listen(const char *path, uid_t front, int *ret, struct error *err)
{
    autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    autofree char *temporary = xasprintf("%s.new", path);
    struct sockaddr_un address;

    if (check_free(path, err) != 0 || set_path(temporary, &address, err) != 0)
        return -1;
    if (unlink(temporary) != 0 && errno != ENOENT)
        rmdir(temporary);
    mode_t before = umask(0177); /* nobody else may connect, from the moment it appears */
    int result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (result != 0 || listen(fd, BACKLOG) != 0)
        return error_set_errno(err, errno, "cannot listen on '%s'", temporary);
    if (give(temporary, front) != 0)
        return error_set_errno(err, errno, "cannot give '%s' to user %u, who is to ask the broker", temporary,
                               (unsigned)front);
    *ret = fd;
    fd = -1;
    return 0;
}

int broker_publish(const char *path, struct error *err)
{
    autofree char *temporary = xasprintf("%s.new", path);

    if (rename(temporary, path) != 0)
        return error_set_errno(err, errno, "cannot make the broker's socket '%s'", path);
    return 0;
}
