/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill -9 of worker and broker between every two steps. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/trip.h"

enum victim { WORKER, BROKER, BOTH_OF_THEM };

static void kill_at_stop(struct stage *stage, enum victim victim)
{
    pid_t worker = stage_worker(stage);

    if (victim != BROKER)
        cr_assert_eq(kill(worker, SIGKILL), 0);
    stage->stop_at = 0;
    if (victim == WORKER) {
        cr_assert_eq(kill(stage->broker, SIGCONT), 0);
    } else {
        stage_stop_broker(stage, SIGKILL);
        stage_start_broker(stage);
    }
}

/* False: the operation has fewer steps. */
static bool kill_at(const struct trip *trip, unsigned step, enum victim victim)
{
    autofree char *what = xasprintf("%s %s, killed at step %u", trip->operation, trip->arguments, step);
    autostage struct stage stage;
    struct error err = {.message = ""};

    stage_make_host(&stage);
    if (trip->restores) {
        stage_start_broker(&stage);
        trip_prepare(trip, &stage);
        stage_stop_broker(&stage, SIGTERM);
    }
    trip_prepare(trip, &stage);
    stage.stop_at = step;
    stage_start_broker(&stage);
    struct stage_call *call = stage_begin(&stage, trip->operation, trip->arguments);
    bool stopped = stage_wait_for_stop(&stage, call);
    if (stopped)
        kill_at_stop(&stage, victim);
    autojson json_t *result = stage_end(call, &err);
    if (stopped)
        cr_expect(result == NULL && strstr(err.message, "interrupted") != NULL, "%s: '%s'", what,
                  err.message);
    trip_expect_end(trip, &stage, what);
    return stopped;
}

static void kill_at_each(const struct trip *trip, enum victim victim)
{
    unsigned step = 1;

    while (kill_at(trip, step, victim))
        step++;
    cr_expect_gt(step, 4, "%s %s has only %u steps", trip->operation, trip->arguments, step - 1);
}

Test(kill, of_the_worker_at_each_step)
{
    for (size_t i = 0; i < trip_count; i++)
        if (trip_wants_all() || i == 0 || trips[i].restores)
            kill_at_each(&trips[i], WORKER);
}

Test(kill, of_the_broker_at_each_step)
{
    for (size_t i = 0; i < (trip_wants_all() ? trip_count : 1); i++)
        kill_at_each(&trips[i], BROKER);
}

Test(kill, of_both_at_each_step)
{
    for (size_t i = trip_wants_all() ? 0 : trip_count - 1; i < trip_count; i++)
        kill_at_each(&trips[i], BOTH_OF_THEM);
}
