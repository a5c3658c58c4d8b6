/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine reboots in the middle of an operation: tests/lab/topology/reboot, on which tests/lab/reboot
 * runs the first of these tests, and after the reboot that it makes, the other. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "task/upid.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"

#define CARD   "0000:01:00.0"
#define CHOSEN "0000:01:00.1"
#define FOLDER "/srv/lab/hostpci" /* on a drive that survives */
#define UPID   "/srv/lab/upid"

static void start(void)
{
    lab_start_in(FOLDER);
}

TestSuite(lab_reboot, .init = start, .timeout = 600);

LAB_TEST(lab_reboot, begins)
{
    struct error err;

    MOVE(CHOSEN, "none", .persistent = "1");
    lab_broker_kill();
    lab_broker_start(3);
    autofree char *upid = MOVE_BEGIN(CARD, "vfio-pci");
    cr_assert(lab_broker_stops(upid));
    cr_assert_eq(file_replace(UPID, upid, strlen(upid), 0600, &err), 0, "%s", err.message);
    sync();
    machine_write("/proc/sysrq-trigger", "b");
    pause();
}

LAB_TEST(lab_reboot, goes_on)
{
    autofree char *upid = NULL;
    struct error err;

    cr_assert_eq(file_read(UPID, UPID_SIZE, &upid, NULL, &err), 0, "%s", err.message);
    task_fails(upid, "reboot");
    lab_broker_becomes_idle();
    cr_assert_str_eq(machine_driver(CARD), "e1000e", "as the kernel chose");
    cr_assert_str_empty(machine_override(CARD));

    machine_wait_driver(CHOSEN, "");
    cr_assert_str_eq(machine_override(CHOSEN), "none", "as it was asked to be at each start");
    MOVE(CHOSEN, "auto");
    cr_assert_str_eq(machine_driver(CHOSEN), "e1000e");
}
