/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill -9 of worker and broker between every two steps. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/scenario.h"

enum victim { WORKER, BROKER, BOTH_OF_THEM };

/* False if the operation has fewer steps. */
static bool kill_at(const struct scenario *scenario, unsigned step, enum victim victim)
{
    autofree char *what =
        xasprintf("%s %s, killed at step %u", scenario->operation, scenario->arguments, step);
    autotestbed struct testbed testbed;
    struct error err = {.message = ""};

    testbed_make_host(&testbed);
    if (scenario->restores) {
        testbed_start_broker(&testbed);
        scenario_prepare(scenario, &testbed);
        testbed_stop_broker(&testbed, SIGTERM);
    }
    scenario_prepare(scenario, &testbed);
    testbed.stop_at = step;
    testbed_start_broker(&testbed);
    struct testbed_call *call = testbed_begin(&testbed, scenario->operation, scenario->arguments);
    bool stopped = testbed_wait_for_stop(&testbed, call);
    if (stopped)
        testbed_kill_stopped(&testbed, victim != BROKER, victim != WORKER);
    autojson json_t *result = testbed_end(call, &err);
    if (stopped)
        cr_expect(result == NULL && strstr(err.message, "interrupted") != NULL, "%s: '%s'", what,
                  err.message);
    scenario_expect_end(scenario, &testbed, what);
    return stopped;
}

static void kill_at_each(const struct scenario *scenario, enum victim victim)
{
    unsigned step = 1;

    while (kill_at(scenario, step, victim))
        step++;
    cr_expect_gt(step, 4, "%s %s has only %u steps", scenario->operation, scenario->arguments, step - 1);
}

Test(kill, of_the_worker_at_each_step)
{
    for (size_t i = 0; i < scenario_count; i++)
        if (scenario_wants_all() || i == 0 || scenarios[i].restores || scenarios[i].divides || i >= 10)
            kill_at_each(&scenarios[i], WORKER);
}

Test(kill, of_the_broker_at_each_step)
{
    for (size_t i = 0; i < (scenario_wants_all() ? scenario_count : 1); i++)
        kill_at_each(&scenarios[i], BROKER);
}

Test(kill, of_both_at_each_step)
{
    for (size_t i = scenario_wants_all() ? 0 : scenario_count - 10; i < scenario_count; i++)
        kill_at_each(&scenarios[i], BOTH_OF_THEM);
}
