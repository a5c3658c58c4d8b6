/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that the service manager opened before it started us. */
#include "base/activation.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */

static unsigned long long read_number(const char *name)
{
    const char *text = getenv(name);
    unsigned long long number = 0;

    return text != NULL && text_to_number(text, 10, INT_MAX - FIRST, &number) ? number : 0;
}

static bool has(int fd, int option, int value)
{
    int found;
    socklen_t size = sizeof(found);

    return getsockopt(fd, SOL_SOCKET, option, &found, &size) == 0 && found == value;
}

int activation_take_socket(int type)
{
    /* LISTEN_PID tells whether the variables are for us: they may be inherited from another process */
    int count =
        read_number("LISTEN_PID") == (unsigned long long)getpid() ? (int)read_number("LISTEN_FDS") : 0;

    for (int fd = FIRST; fd < FIRST + count; fd++)
        if (has(fd, SO_DOMAIN, AF_UNIX) && has(fd, SO_TYPE, type) && has(fd, SO_ACCEPTCONN, 1) &&
            fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
            return fd;
    return -1;
}
