/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event loop: descriptors, timers and their callbacks. It knows nothing about its users.
 *
 * Callbacks are called one after the other from loop_run, in one thread. Each may add and remove any
 * descriptor and any timer, its own as well; what was removed is not called any more, even if it was ready in
 * the same turn. A descriptor belongs to whoever watches it and must be unwatched before it is closed. */
#ifndef HOSTPCI_BROKER_DAEMON_LOOP_H
#define HOSTPCI_BROKER_DAEMON_LOOP_H

#include "base/error.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* takes NULL */

/* Calls ready(context, events) whenever poll(2) reports one of `events` (POLLIN, POLLOUT), an error or a
 * hang-up. A descriptor is watched once: doing it again replaces what was asked for before. */
void loop_watch(struct loop *loop, int fd, short events, void (*ready)(void *context, short events),
                void *context);
void loop_unwatch(struct loop *loop, int fd); /* nothing happens if it is not watched */

/* Owned by the caller; one that is all zeros is not set. It must be cancelled before it is freed. */
struct loop_timer {
    struct loop_timer *next;
    long long due; /* by base/clock.h; 0: not set */
    void (*expired)(void *context);
    void *context;
};

/* Calls expired(context) once, after `milliseconds`. Setting it again moves it. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, long long milliseconds,
                    void (*expired)(void *context), void *context);
void loop_cancel_timer(struct loop *loop, struct loop_timer *timer);

/* Sets the one function that is called each time before the loop waits: the place to free what ended in this
 * turn. */
void loop_before_wait(struct loop *loop, void (*function)(void *context), void *context);

/* Runs until somebody calls loop_stop. Fails if poll(2) does. */
int loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);

#endif
