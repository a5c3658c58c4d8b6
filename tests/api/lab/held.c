/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that a VM holds, whose unbinding may block in the kernel for as long as the VM lives:
 * tests/lab/topology/plug after tests/lab/setup-plug. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/vm.h"
#include "tests/api/look.h"

#define CARD  "0000:01:00.0"
#define OTHER "0000:02:00.0"
#define SOON  5.0 /* seconds, on an emulated machine */

TestSuite(lab_held, .init = lab_start, .timeout = 600);

LAB_TEST(lab_held, function_of_a_vm_is_refused_and_the_vm_named)
{
    MOVE(CARD, "vfio-pci");
    vm_start(CARD, false);
    autofree char *upid = MOVE_BEGIN(CARD, "restore"), *log = NULL, *pid = xasprintf("%d", (int)vm_pid());
    task_fails(upid, "qemu-system");
    log = task_text(upid);
    contains(log, pid);
    cr_assert(vm_holds());
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    vm_end();
    MOVE(CARD, "restore");
}

LAB_TEST(lab_held, vm_that_obliges_goes_on_without_it)
{
    MOVE(CARD, "vfio-pci");
    vm_start(CARD, true);
    MOVE(CARD, "restore", .force = true);
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    cr_assert(!vm_holds());
    vm_end();
}

static void answers_soon(const char *path)
{
    double began = machine_now();

    get(path, NULL);
    cr_assert_lt(machine_now() - began, SOON, "%s", path);
}

static void others_go_on(void)
{
    answers_soon("/nodes/" NODE "/hardware/pci/" CARD "/status");
    answers_soon("/nodes/" NODE "/hardware/pci/" OTHER "/status");
    answers_soon("/nodes/" NODE "/hardware/pci");
    answers_soon("/nodes/" NODE "/hardware/iommu");
    answers_soon("/nodes/" NODE "/hardware/iommu/groups");
    MOVE(OTHER, "vfio-pci");
    MOVE(OTHER, "restore");
}

/* The function is taken from the VM, which does not let go; gives the task once its log says so. */
static char *take_from_vm(void)
{
    MOVE(CARD, "vfio-pci");
    vm_start(CARD, false);
    char *upid = MOVE_BEGIN(CARD, "restore", .force = true);
    task_says(upid, "waiting for the kernel");
    autofree char *log = task_text(upid);
    contains(log, CARD);
    return upid;
}

LAB_TEST(lab_held, vm_that_does_not_oblige_blocks_its_own_task_only)
{
    autofree char *upid = take_from_vm();

    const json_t *state = member(get("/nodes/" NODE "/hardware/pci/" CARD "/status", NULL), "state");
    cr_assert_str_eq(text_of(state, "task"), upid);
    contains(text_of(member(state, "waiting"), "step"), "unbind from vfio-pci");
    others_go_on();
    MOVE_FAILS(upid, CARD, "none", .force = true);
    cr_assert(task_runs(upid));
    cr_assert(vm_holds());
    vm_end();
    task_succeeds(upid);
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    lab_broker_becomes_idle();
}

/* Where the cut-off task ended, a function is where it was or where it was asked to be. */
static void ends_truly(const char *upid)
{
    autofree char *end = task_end(upid);
    const char *driver = machine_driver(CARD);

    if (strcmp(end, "OK") != 0)
        contains(end, CARD);
    cr_assert(strcmp(driver, "e1000e") == 0 || strcmp(driver, "vfio-pci") == 0, "%s: %s", driver, end);
    if (strcmp(end, "OK") != 0)
        contains(end, driver);
    lab_broker_becomes_idle();
    MOVE(CARD, "auto");
}

LAB_TEST(lab_held, broker_that_was_killed_meanwhile_is_followed_by_one_that_waits)
{
    autofree char *upid = take_from_vm();

    lab_broker_kill();
    lab_broker_start(0);
    others_go_on();
    cr_assert(task_runs(upid));
    MOVE_FAILS(upid, CARD, "none", .force = true);
    vm_end();
    ends_truly(upid);
}

LAB_TEST(lab_held, daemon_that_was_killed_meanwhile_is_followed_by_one_that_knows_the_task)
{
    autofree char *upid = NULL;

    lab_broker_kill();
    lab_broker_start(0); /* which does not end with the daemon */
    upid = take_from_vm();
    daemon_kill();
    daemon_start_again();
    cr_assert(task_runs(upid));
    others_go_on();
    vm_end();
    task_succeeds(upid);
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
}
