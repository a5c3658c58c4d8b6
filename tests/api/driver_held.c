/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A write that the kernel does not return from, and what is killed meanwhile: nobody else waits, nothing is
 * left half done, and what is reported is true. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/hosts/kernel.h"

#define PCI      "/nodes/" NODE "/hardware/pci"
#define DISK     "0000:04:00.0"
#define USB      "0000:05:00.0"
#define SECONDS  30
#define PATIENCE 10 /* of the broker, before it says that the kernel does not return */

static char *gate; /* the kernel returns when this file is there */

static void start(void)
{
    START(.host = "golden", .kernel = true);
    gate = xasprintf("%s.gate", daemon_broker());
}

TestSuite(driver_held, .init = start, .timeout = 120);

static const json_t *status_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return get(path, NULL);
}

/* Lets the kernel hold the next write that has this in its path. */
static void hold(const char *path)
{
    kernel_set_fault(
        &(const struct kernel_fault){.access = SYSFS_WRITE, .path = path, .first = 1, .until = gate});
}

static void wait_until_held(void)
{
    double end = machine_slept() + SECONDS;

    while (!kernel_fault_hangs()) {
        cr_assert_lt(machine_slept(), end, "nothing hangs");
        machine_sleep(5);
    }
}

static void let_go(void)
{
    struct error err;

    cr_assert_eq(file_replace(gate, "", 0, 0644, &err), 0, "%s", err.message);
}

static char *begin_held_unbind(void)
{
    hold("/unbind");
    char *upid = MOVE_BEGIN(DISK, "vfio-pci");
    wait_until_held();
    return upid;
}

static void show_waiting(const char *id, const char *upid, const char *step)
{
    const json_t *state = member(status_of(id), "state"), *waiting = member(state, "waiting");

    cr_expect_str_eq(text_of(state, "task"), upid);
    cr_expect_eq(strncmp(text_of(waiting, "step"), step, strlen(step)), 0, "%s", text_of(waiting, "step"));
    cr_expect_leq(number_of(waiting, "since"), (long long)time(NULL));
    cr_expect_geq(number_of(waiting, "since"), (long long)time(NULL) - SECONDS);
}

DAEMON_TEST(driver_held, write_that_does_not_return_is_reported_and_keeps_nobody_else_waiting)
{
    autofree char *upid = begin_held_unbind();

    task_says(upid, "waiting for the kernel since ");
    autofree char *log = task_text(upid);
    contains(log, DISK ": unbind from nvme");
    show_waiting(DISK, upid, "unbind from nvme");
    double before = machine_now();
    is_json(member(status_of(USB), "state"), "{}");
    MOVE(USB, "vfio-pci");
    get("/nodes/" NODE "/hardware/iommu", NULL);
    cr_assert_lt(machine_now() - before, PATIENCE, "others wait for it");
    cr_assert(task_runs(upid));

    let_go();
    task_succeeds(upid);
    free(log);
    log = task_text(upid);
    contains(log, "the kernel came back after ");
    is_json(member(status_of(DISK), "state"), "{'previous-driver':'nvme'}");
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
}

/* The status does not wait until the broker calls the worker silent, either. */
DAEMON_TEST(driver_held, status_is_there_at_once)
{
    autofree char *upid = begin_held_unbind();
    double before = machine_now();

    cr_assert_not(has(member(status_of(DISK), "state"), "waiting"), "that is not known yet");
    cr_assert_lt(machine_now() - before, PATIENCE / 2.0);
    cr_assert_str_eq(text_of(member(status_of(DISK), "state"), "task"), upid);
    let_go();
    task_succeeds(upid);
}

DAEMON_TEST(driver_held, second_request_for_the_same_function_is_refused_and_names_the_first)
{
    autofree char *upid = begin_held_unbind();

    MOVE_FAILS(upid, DISK, "auto");
    autofree char *reset = reset_begin(DISK, false);
    task_fails(reset, upid);
    let_go();
    task_succeeds(upid);
    MOVE(DISK, "auto");
}

DAEMON_TEST(driver_held, task_that_is_stopped_goes_back_when_the_kernel_returns)
{
    autofree char *upid = begin_held_unbind(), *path = xasprintf("/nodes/" NODE "/tasks/%s", upid);

    delete (path, NULL);
    cr_assert(task_runs(upid), "the kernel cannot be stopped");
    let_go();
    task_fails(upid, DISK " is back with nvme");
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
    cr_assert_str_eq(kernel_override(DISK), "");
}

DAEMON_TEST(driver_held, task_goes_on_while_the_daemon_is_killed_and_started_again)
{
    autofree char *upid = begin_held_unbind();

    daemon_kill();
    daemon_start_again();
    cr_assert(task_runs(upid));
    let_go();
    task_succeeds(upid);
    autofree char *log = task_text(upid);
    contains(log, DISK ": has vfio-pci, had nvme");
    cr_assert_null(strstr(strstr(log, "is taken from") + 1, "is taken from"), "each line once:\n%s", log);
}

DAEMON_TEST(driver_held, task_that_ended_while_the_daemon_was_away_has_its_true_end)
{
    autofree char *upid = begin_held_unbind();
    double end = machine_slept() + SECONDS;

    daemon_kill();
    let_go();
    while (strcmp(kernel_driver(DISK), "vfio-pci") != 0) {
        cr_assert_lt(machine_slept(), end);
        machine_sleep(5);
    }
    daemon_start_again();
    task_succeeds(upid);
}

/* The next broker waits for the write of the killed one's worker, and then undoes what it did. */
DAEMON_TEST(driver_held, killed_broker_is_followed_by_one_that_brings_everything_back)
{
    autofree char *upid = begin_held_unbind();

    broker_kill();
    cr_assert(task_runs(upid), "its end is not known yet");
    broker_start_again();
    task_says(upid, "nothing is changed before");
    MOVE_FAILS(upid, DISK, "auto");
    let_go();
    task_fails(upid, DISK " is back with nvme");
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
    cr_assert_str_eq(kernel_override(DISK), "");
    is_json(member(status_of(DISK), "state"), "{}");
}

DAEMON_TEST(driver_held, both_are_killed_and_everything_is_brought_back)
{
    autofree char *upid = begin_held_unbind();

    broker_kill();
    daemon_kill();
    let_go();
    broker_start_again();
    daemon_start_again();
    task_fails(upid, DISK " is back with nvme");
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
}
