/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event loop. poll(2) and not epoll(7): an epoll instance would go on to report descriptors that were
 * closed here while a worker, which inherits them by fork, has not come to close them. */
#include "broker/daemon/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

struct watch {
    void (*ready)(void *context, short events);
    void *context;
};

struct loop {
    struct pollfd *fds; /* fd -1: unwatched in this turn */
    struct watch *watches;
    size_t count;
    struct loop_timer *timers;
    void (*before_wait)(void *context);
    void *before_wait_context;
    bool stopped;
};

struct loop *loop_new(void)
{
    return xcalloc(1, sizeof(struct loop));
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    free(loop->fds);
    free(loop->watches);
    free(loop);
}

static size_t find(const struct loop *loop, int fd)
{
    size_t i = 0;

    while (i < loop->count && loop->fds[i].fd != fd)
        i++;
    return i;
}

void loop_watch(struct loop *loop, int fd, short events, void (*ready)(void *context, short events),
                void *context)
{
    size_t i = find(loop, fd);

    if (i == loop->count) {
        loop->fds = xrealloc(loop->fds, loop->count + 1, sizeof(loop->fds[0]));
        loop->watches = xrealloc(loop->watches, loop->count + 1, sizeof(loop->watches[0]));
        loop->count++;
    }
    loop->fds[i] = (struct pollfd){.fd = fd, .events = events};
    loop->watches[i] = (struct watch){ready, context};
}

void loop_unwatch(struct loop *loop, int fd)
{
    size_t i = find(loop, fd);

    if (fd >= 0 && i < loop->count)
        loop->fds[i].fd = -1;
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, long long milliseconds,
                    void (*expired)(void *context), void *context)
{
    loop_cancel_timer(loop, timer);
    *timer = (struct loop_timer){.next = loop->timers,
                                 .due = clock_milliseconds() + milliseconds,
                                 .expired = expired,
                                 .context = context};
    loop->timers = timer;
}

void loop_cancel_timer(struct loop *loop, struct loop_timer *timer)
{
    for (struct loop_timer **at = &loop->timers; *at != NULL; at = &(*at)->next)
        if (*at == timer) {
            *at = timer->next;
            timer->due = 0;
            return;
        }
}

void loop_before_wait(struct loop *loop, void (*function)(void *context), void *context)
{
    loop->before_wait = function;
    loop->before_wait_context = context;
}

static struct loop_timer *next_timer(const struct loop *loop)
{
    struct loop_timer *next = loop->timers;

    for (struct loop_timer *timer = next; timer != NULL; timer = timer->next)
        if (timer->due < next->due)
            next = timer;
    return next;
}

/* For poll(2): -1 if no timer is set. */
static int time_left(const struct loop *loop)
{
    const struct loop_timer *next = next_timer(loop);

    if (next == NULL)
        return -1;
    long long left = next->due - clock_milliseconds();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void forget_unwatched(struct loop *loop)
{
    size_t kept = 0;

    for (size_t i = 0; i < loop->count; i++) {
        if (loop->fds[i].fd < 0)
            continue;
        loop->fds[kept] = loop->fds[i];
        loop->watches[kept++] = loop->watches[i];
    }
    loop->count = kept;
}

/* A callback may watch more, which moves the arrays, so no pointer into them is kept. What is added meanwhile
 * was not polled. */
static void call_ready(struct loop *loop, size_t polled)
{
    for (size_t i = 0; i < polled; i++)
        if (loop->fds[i].fd >= 0 && loop->fds[i].revents != 0)
            loop->watches[i].ready(loop->watches[i].context, loop->fds[i].revents);
}

static void call_expired(struct loop *loop)
{
    long long now = clock_milliseconds();

    for (struct loop_timer *timer; (timer = next_timer(loop)) != NULL && timer->due <= now;) {
        loop_cancel_timer(loop, timer);
        timer->expired(timer->context);
    }
}

int loop_run(struct loop *loop, struct error *err)
{
    loop->stopped = false;
    for (;;) {
        if (loop->before_wait != NULL)
            loop->before_wait(loop->before_wait_context);
        if (loop->stopped)
            return 0;
        forget_unwatched(loop);
        int ready = poll(loop->fds, (nfds_t)loop->count, time_left(loop));
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, errno, "the broker cannot wait for its sockets");
        if (ready > 0)
            call_ready(loop, loop->count);
        call_expired(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
