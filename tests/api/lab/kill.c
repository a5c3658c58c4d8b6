/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill -9 between any two steps of an operation: afterwards each function is where it was or where it was
 * asked to be, the task says which, and nothing is left to do. tests/lab/topology/default after
 * tests/lab/setup-default. Suite lab_kill is a few such moments, lab_matrix all of them. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"

#define CARD   "0000:03:00.0"
#define FIRST  "0000:02:00.0" /* two functions of one card */
#define SECOND "0000:02:00.1"

TestSuite(lab_kill, .init = lab_start, .timeout = 600);
TestSuite(lab_matrix, .init = lab_start, .timeout = 3600);

/* Who is killed while the broker stands before a step; and what lets life go on. */
static void kill_front(void)
{
    daemon_kill();
    lab_broker_continue();
    daemon_start_again();
}

static void kill_broker(void)
{
    lab_broker_kill();
    lab_broker_start(0);
}

static void kill_worker(void)
{
    lab_kill(lab_broker_worker());
    lab_broker_continue();
}

static void kill_all(void)
{
    pid_t worker = lab_broker_worker();

    daemon_kill();
    lab_kill(worker);
    lab_broker_kill();
    lab_broker_start(0);
    daemon_start_again();
}

/* What is moved, from where to where. */
struct way {
    const char *ids[3]; /* the first is named */
    const char *from, *to;
};

static const struct way detach_card = {{CARD}, "restore", "vfio-pci"};
static const struct way give_back_card = {{CARD}, "vfio-pci", "restore"};
static const struct way detach_both = {{FIRST, SECOND}, "restore", "vfio-pci"};
static const struct way give_back_both = {{FIRST, SECOND}, "vfio-pci", "restore"};

static bool is_at(const char *id, const char *place)
{
    bool vfio = strcmp(place, "vfio-pci") == 0;

    return strcmp(machine_driver(id), vfio ? "vfio-pci" : "e1000e") == 0 &&
           strcmp(machine_override(id), vfio ? "vfio-pci" : "") == 0;
}

static void check_function(const char *id, const struct way *way, const char *end, const char *log)
{
    bool done = is_at(id, way->to);

    cr_assert(done || is_at(id, way->from), "%s has driver '%s', driver_override '%s': %s\n%s", id,
              machine_driver(id), machine_override(id), end, log);
    if (strcmp(end, "OK") == 0) {
        cr_assert(done, "%s is not where the task says:\n%s", id, log);
        return;
    }
    autofree char *untouched = xasprintf("%s was not touched", id);
    contains(end, id);
    if (strstr(end, untouched) == NULL)
        contains(end, machine_driver(id));
    else
        cr_assert(is_at(id, way->from), "%s: %s", id, end);
}

/* False if the way has no such step. */
static bool kill_at(const struct way *way, unsigned step, void (*kill_one)(void))
{
    lab_broker_end();
    lab_broker_start(step);
    autofree char *upid = MOVE_BEGIN(way->ids[0], way->to, .scope = "group");
    if (!lab_broker_stops(upid))
        return false;
    kill_one();
    autofree char *end = task_end(upid), *log = task_text(upid);
    for (const char *const *id = way->ids; *id != NULL; id++)
        check_function(*id, way, end, log);
    lab_broker_becomes_idle();
    return true;
}

static void bring_to(const struct way *way, const char *place)
{
    if (!is_at(way->ids[0], place) || (way->ids[1] != NULL && !is_at(way->ids[1], place)))
        MOVE(way->ids[0], strcmp(place, "restore") == 0 ? "auto" : place, .scope = "group");
}

static unsigned kill_at_each(const struct way *way, void (*kill_one)(void))
{
    unsigned step = 1;

    /* known from here on, for `restore` */
    MOVE(way->ids[0], "vfio-pci", .scope = "group");
    for (bool more = true; more; step++) {
        bring_to(way, way->from);
        more = kill_at(way, step, kill_one);
    }
    lab_broker_end(); /* it would stop at a later operation's step */
    lab_broker_start(0);
    bring_to(way, "restore");
    return step - 2;
}

static void kill_everywhere(const struct way *way)
{
    static void (*const killers[])(void) = {kill_front, kill_broker, kill_worker, kill_all};

    for (size_t i = 0; i < COUNT_OF(killers); i++) {
        unsigned steps = kill_at_each(way, killers[i]);
        cr_assert_geq(steps, 3, "only %u steps", steps);
    }
}

LAB_TEST(lab_matrix, detach_a_card)
{
    kill_everywhere(&detach_card);
}

LAB_TEST(lab_matrix, give_back_a_card)
{
    kill_everywhere(&give_back_card);
}

LAB_TEST(lab_matrix, detach_a_card_of_two_functions)
{
    kill_everywhere(&detach_both);
}

LAB_TEST(lab_matrix, give_back_a_card_of_two_functions)
{
    kill_everywhere(&give_back_both);
}

static void kill_once(const struct way *way, unsigned step, void (*kill_one)(void))
{
    MOVE(way->ids[0], "vfio-pci", .scope = "group");
    bring_to(way, way->from);
    cr_assert(kill_at(way, step, kill_one), "there is no step %u", step);
    bring_to(way, "restore");
}

/* The steps of each function: read what it has, write driver_override, unbind, bind. */
LAB_TEST(lab_kill, daemon_before_the_unbind)
{
    kill_once(&detach_card, 3, kill_front);
}

LAB_TEST(lab_kill, broker_before_the_unbind)
{
    kill_once(&detach_card, 3, kill_broker);
}

LAB_TEST(lab_kill, worker_when_it_is_unbound)
{
    kill_once(&detach_card, 4, kill_worker);
}

LAB_TEST(lab_kill, all_when_it_is_unbound)
{
    kill_once(&give_back_card, 4, kill_all);
}

LAB_TEST(lab_kill, broker_between_two_functions)
{
    kill_once(&detach_both, 6, kill_broker);
}

/* The broker that a daemon started ends with it, but first what it has in hand. */
LAB_TEST(lab_kill, daemon_and_then_its_own_broker_ends)
{
    lab_broker_stop_later_ones_at(3);
    daemon_stop();
    daemon_start_again();
    lab_broker_stop_later_ones_at(0);
    autofree char *upid = MOVE_BEGIN(CARD, "vfio-pci");
    cr_assert(lab_broker_stops(upid));
    kill_front();
    autofree char *end = task_end(upid), *log = task_text(upid);
    check_function(CARD, &detach_card, end, log);
    MOVE(CARD, "auto");
}
