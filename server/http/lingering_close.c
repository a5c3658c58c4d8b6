/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closes a connection whose request was not read to its end. */
#include "server/http/lingering_close.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define SOCKET_LIMIT 8
#define TOTAL_MS     5000
#define IDLE_MS      1000

static atomic_int open_sockets;

/* False at the end of the stream, after an error, and when nothing has arrived for a while. */
static bool discard_some(int fd)
{
    char waste[16384];
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    return poll(&wait, 1, IDLE_MS) == 1 && recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0;
}

static void *drain(void *argument)
{
    int fd = (int)(intptr_t)argument;
    long long end = clock_milliseconds() + TOTAL_MS;

    while (clock_milliseconds() < end && discard_some(fd))
        continue;
    close(fd);
    atomic_fetch_sub(&open_sockets, 1);
    return NULL;
}

void lingering_close(int fd)
{
    pthread_t thread;

    int copy = atomic_fetch_add(&open_sockets, 1) < SOCKET_LIMIT ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy >= 0 && pthread_create(&thread, NULL, drain, (void *)(intptr_t)copy) == 0) {
        pthread_detach(thread);
        return;
    }
    if (copy >= 0)
        close(copy);
    atomic_fetch_sub(&open_sockets, 1);
}
