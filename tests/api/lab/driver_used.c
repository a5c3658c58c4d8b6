/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host uses is not taken from it: tests/lab/topology/used after tests/lab/setup-used; and a host
 * without an IOMMU. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"

#define DISPLAY "0000:00:08.0"
#define USB     "0000:00:06.0"
#define PORT    "0000:00:02.0"
#define DRIVE   "0000:01:00.0"
#define CARD    "0000:02:00.0"
#define BRIDGE  "0000:03:00.0"
#define FIRST   "0000:04:01.0" /* of two cards in one group */
#define SECOND  "0000:04:02.0"

TestSuite(lab_taken, .init = lab_start, .timeout = 600);
TestSuite(lab_no_group, .init = lab_start, .timeout = 600);

static void stays(const char *id, const char *driver)
{
    cr_assert_str_eq(machine_driver(id), driver, "%s", id);
    cr_assert_str_eq(machine_override(id), "", "%s", id);
    lab_broker_becomes_idle();
}

LAB_TEST(lab_taken, drive_with_a_mounted_file_system_is_refused)
{
    autofree char *log = NULL, *upid = MOVE_BEGIN(DRIVE, "vfio-pci");

    task_fails(upid, "/srv/lab");
    log = task_text(upid);
    contains(log, DRIVE);
    contains(log, "nvme");
    contains(log, "mounted on /srv/lab");
    stays(DRIVE, "nvme");
}

LAB_TEST(lab_taken, drive_with_a_mounted_file_system_is_not_reset)
{
    autofree char *upid = reset_begin(DRIVE, false);

    task_fails(upid, "mounted on /srv/lab");
    stays(DRIVE, "nvme");
}

LAB_TEST(lab_taken, drive_goes_once_it_is_not_mounted)
{
    RUN("umount", "/srv/lab");
    MOVE(DRIVE, "vfio-pci");
    MOVE(DRIVE, "restore");
    stays(DRIVE, "nvme");
    RUN("tests/lab/setup-used", "drive");
}

LAB_TEST(lab_taken, card_with_the_default_route_goes_by_force_only)
{
    MOVE_FAILS("default route", CARD, "vfio-pci");
    stays(CARD, "e1000e");
    MOVE(CARD, "vfio-pci", .force = true);
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    MOVE(CARD, "restore");
    stays(CARD, "e1000e");
    RUN("tests/lab/setup-used", "network");
}

LAB_TEST(lab_taken, usb_controller_with_the_keyboard_is_refused)
{
    MOVE_FAILS("QEMU USB Keyboard", USB, "vfio-pci");
    stays(USB, "xhci_hcd");
}

LAB_TEST(lab_taken, display_of_the_console_goes_by_force_only)
{
    MOVE_FAILS("console", DISPLAY, "vfio-pci");
    stays(DISPLAY, "bochs-drm");
    MOVE(DISPLAY, "vfio-pci", .force = true);
    cr_assert_str_eq(machine_driver(DISPLAY), "vfio-pci");
    MOVE(DISPLAY, "restore");
    stays(DISPLAY, "bochs-drm");
}

LAB_TEST(lab_taken, bridges_are_refused_and_named)
{
    MOVE_FAILS("bridge", PORT, "vfio-pci", .scope = "group", .force = true);
    MOVE_FAILS("bridge", BRIDGE, "vfio-pci", .force = true);
    stays(PORT, "pcieport");
}

LAB_TEST(lab_taken, card_that_shares_its_group_tells_who_else_must_go)
{
    autofree char *log = NULL, *upid = MOVE_BEGIN(FIRST, "vfio-pci");

    task_succeeds(upid);
    log = task_text(upid);
    contains(log, SECOND);
    contains(log, "e1000");
    stays(SECOND, "e1000");
    MOVE(FIRST, "restore");
    stays(FIRST, "e1000");
}

LAB_TEST(lab_taken, group_goes_without_its_bridge)
{
    MOVE(FIRST, "vfio-pci", .scope = "group");
    cr_assert_str_eq(machine_driver(FIRST), "vfio-pci");
    cr_assert_str_eq(machine_driver(SECOND), "vfio-pci");
    stays(BRIDGE, "");
    MOVE(SECOND, "restore", .scope = "group");
    stays(FIRST, "e1000");
    stays(SECOND, "e1000");
}

LAB_TEST(lab_no_group, function_without_a_group_cannot_go_to_vfio)
{
    machine_wait("0000:03:00.0", true);
    MOVE_FAILS("/hardware/iommu", "0000:03:00.0", "vfio-pci", .force = true);
    cr_assert_str_eq(machine_override("0000:03:00.0"), "");
    lab_broker_becomes_idle();
}
