/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: callbacks come while a descriptor is watched or a timer is set, and never afterwards. */
#include "broker/daemon/loop.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

struct player {
    struct loop *loop;
    int ends[2]; /* a pipe */
    struct player *other;
    struct loop_timer timer;
    int calls, expiries;
};

static void open_pipe(struct player *player, struct loop *loop)
{
    *player = (struct player){.loop = loop};
    cr_assert_eq(pipe(player->ends), 0);
    cr_assert_eq(write(player->ends[1], "x", 1), 1);
}

static void close_pipe(struct player *player)
{
    close(player->ends[0]);
    close(player->ends[1]);
}

static void run(struct loop *loop)
{
    struct error err;

    cr_assert_eq(loop_run(loop, &err), 0, "%s", err.message);
}

static void stop_at_third_call(void *context, short events)
{
    struct player *player = context;

    cr_assert_eq(events, POLLIN);
    if (++player->calls == 3)
        loop_stop(player->loop);
}

Test(loop, calls_as_long_as_there_is_something_to_read)
{
    struct loop *loop = loop_new();
    struct player player;

    open_pipe(&player, loop);
    loop_watch(loop, player.ends[0], POLLIN, stop_at_third_call, &player);
    run(loop);
    cr_assert_eq(player.calls, 3);
    close_pipe(&player);
    loop_free(loop);
}

/* Whoever is called first unwatches both. The other one was ready in the same turn. */
static void unwatch_both(void *context, short events)
{
    struct player *player = context;

    (void)events;
    player->calls++;
    loop_unwatch(player->loop, player->ends[0]);
    loop_unwatch(player->loop, player->other->ends[0]);
    loop_unwatch(player->loop, -1);
    loop_stop(player->loop);
}

Test(loop, does_not_call_what_was_removed_in_the_same_turn)
{
    struct loop *loop = loop_new();
    struct player first, second;

    open_pipe(&first, loop);
    open_pipe(&second, loop);
    first.other = &second;
    second.other = &first;
    loop_watch(loop, first.ends[0], POLLIN, unwatch_both, &first);
    loop_watch(loop, second.ends[0], POLLIN, unwatch_both, &second);
    run(loop);
    cr_assert_eq(first.calls + second.calls, 1);
    close_pipe(&first);
    close_pipe(&second);
    loop_free(loop);
}

/* The new descriptor gets the number of the one that was closed, but not its events. */
static void replace(void *context, short events)
{
    struct player *player = context;
    int old = player->other->ends[0];

    (void)events;
    loop_unwatch(player->loop, player->ends[0]);
    loop_unwatch(player->loop, old);
    close_pipe(player->other);
    cr_assert_eq(pipe(player->other->ends), 0);
    cr_assert_eq(player->other->ends[0], old);
    loop_watch(player->loop, old, POLLIN, stop_at_third_call, player->other);
}

static void expire_and_stop(void *context)
{
    struct player *player = context;

    player->expiries++;
    loop_stop(player->loop);
}

Test(loop, events_of_a_closed_descriptor_are_not_those_of_the_next)
{
    struct loop *loop = loop_new();
    struct player first, second;

    open_pipe(&first, loop);
    open_pipe(&second, loop);
    first.other = &second;
    loop_watch(loop, first.ends[0], POLLIN, replace, &first);
    loop_watch(loop, second.ends[0], POLLIN, stop_at_third_call, &second);
    loop_set_timer(loop, &first.timer, 20, expire_and_stop, &first);
    run(loop);
    cr_assert_eq(second.calls, 0);
    cr_assert_eq(first.expiries, 1);
    close_pipe(&first);
    close_pipe(&second);
    loop_free(loop);
}

static void expire(void *context)
{
    struct player *player = context;

    player->expiries++;
    if (player->other != NULL)
        loop_cancel_timer(player->loop, &player->other->timer);
}

Test(loop, timers_expire_in_order_once_and_not_when_they_were_cancelled)
{
    struct loop *loop = loop_new();
    struct player first = {.loop = loop}, second = {.loop = loop}, last = {.loop = loop};
    long long began = clock_milliseconds();

    first.other = &second;
    loop_set_timer(loop, &last.timer, 40, expire_and_stop, &last);
    loop_set_timer(loop, &second.timer, 20, expire, &second);
    loop_set_timer(loop, &first.timer, 1000, expire, &first);
    loop_set_timer(loop, &first.timer, 10, expire, &first); /* moves it */
    run(loop);
    cr_assert_eq(first.expiries, 1);
    cr_assert_eq(second.expiries, 0);
    cr_assert_eq(last.expiries, 1);
    cr_assert_geq(clock_milliseconds() - began, 40);
    cr_assert_eq(first.timer.due, 0, "it is not set any more");
    loop_free(loop);
}

static void stop_before_wait(void *context)
{
    struct player *player = context;

    if (++player->calls == 2)
        loop_stop(player->loop);
}

Test(loop, calls_before_each_wait)
{
    struct loop *loop = loop_new();
    struct player player = {.loop = loop};

    loop_before_wait(loop, stop_before_wait, &player);
    loop_set_timer(loop, &player.timer, 1, expire, &player);
    run(loop);
    cr_assert_eq(player.calls, 2);
    cr_assert_eq(player.expiries, 1);
    loop_free(loop);
}
