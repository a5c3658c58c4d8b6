/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short commands for people: each is one call of the API. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/hosts/kernel.h"

#define PCI                      "/nodes/localhost/hardware/pci"
#define DISK                     "0000:04:00.0" /* nobody uses it */
#define RUN(...)                 program_run((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(status, text, ...) program_fails(status, text, (const char *const[]){__VA_ARGS__, NULL})

static void start(void)
{
    START(.host = "golden", .kernel = true);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
}

TestSuite(short_command, .init = start, .timeout = 120);

static void has_printed(const char *printed, const char *part)
{
    cr_expect_not_null(strstr(printed, part), "'%s' is not in:\n%s", part, printed);
}

DAEMON_TEST(short_command, devices_are_listed_by_group_with_their_verdicts)
{
    autofree char *printed = RUN("devices", "--noborder");
    autofree char *all = RUN("devices", "--noborder", "--pci-class-blacklist", "");

    has_printed(printed,
                "group  id            verdict   driver         name\n"
                "    2  0000:01:00.0  ready     vfio-pci       NVIDIA Corporation GA104 [GeForce RTX 3070]\n"
                "       0000:01:00.1  ready     vfio-pci       NVIDIA Corporation GA104 High");
    has_printed(printed, "   13  0000:05:00.0  possible  xhci_hcd       0x1912:0x0014\n");
    cr_expect_null(strstr(printed, "0000:00:1c.0"), "a bridge is among them:\n%s", printed);
    has_printed(all, "0000:00:1c.0");
}

DAEMON_TEST(short_command, why_tells_a_device_s_status)
{
    autofree char *printed = RUN("why", "04:00"), *same = RUN("why", DISK);

    has_printed(printed, "POSSIBLE  " DISK " Samsung");
    cr_assert_str_eq(printed, same);
    FAILS(1, "no PCI device", "why", "7f:00");
}

/* The host of these tests has nothing but remarks; without an IOMMU there is an error. */
DAEMON_TEST(short_command, doctor_s_exit_status_tells_how_the_host_is)
{
    autofree char *printed = RUN("doctor");

    has_printed(printed, "READY     This host");
    daemon_stop();
    START(.host = "no-iommu");
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    FAILS(2, "", "doctor");
    setenv("HOSTPCI_SOCKET", "/nowhere", 1);
    FAILS(3, "no daemon listens", "doctor");
}

DAEMON_TEST(short_command, detach_and_attach_move_a_function)
{
    autofree char *taken = RUN("detach", DISK);

    has_printed(taken, "TASK OK");
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
    autofree char *given = RUN("attach", "04:00.0");
    has_printed(given, "TASK OK");
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
}

/* The host uses the card's other function, 0. */
DAEMON_TEST(short_command, an_id_without_a_function_means_the_whole_device)
{
    FAILS(1, "", "detach", "03:00");
    cr_assert_str_eq(kernel_driver("0000:03:00.1"), "i40e");
    free(RUN("detach", "03:00.1"));
    cr_assert_str_eq(kernel_driver("0000:03:00.1"), "vfio-pci");
}

DAEMON_TEST(short_command, detach_takes_a_whole_group)
{
    static const char path[] = PCI "/0000:01:00.0/driver";

    free(RUN("set", path, "--driver", "none", "--scope", "device"));
    cr_assert_str_eq(kernel_driver("0000:01:00.1"), "");
    free(RUN("detach", "01:00.0", "--group"));
    cr_assert_str_eq(kernel_driver("0000:01:00.1"), "vfio-pci");
}

DAEMON_TEST(short_command, vfs_sets_the_number_of_virtual_functions)
{
    autofree char *printed = RUN("vfs", "03:00.1", "2");

    has_printed(printed, "TASK OK");
    cr_assert_eq(json_integer_value(json_object_get(get(PCI "/0000:03:00.1/sriov", NULL), "now")), 2);
}

DAEMON_TEST(short_command, map_makes_a_mapping)
{
    free(RUN("map", "gpu", "01:00", "--description", "for games"));
    const json_t *mapping = get("/cluster/mapping/pci/gpu", NULL);
    cr_assert_str_eq(text_of(mapping, "description"), "for games");
    is_json(member(mapping, "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00,iommugroup=2,subsystem-id=10de:146b']");
}

DAEMON_TEST(short_command, a_command_line_that_makes_no_sense_is_refused)
{
    FAILS(2, "'vfs' needs more arguments; `hostpci help vfs` names them", "vfs", "03:00.0");
    FAILS(2, "come before its options", "detach", "--group", "01:00");
    FAILS(2, "'../qemu' is not a PCI id", "why", "../qemu");
    FAILS(2, "'01:00.9' is not a PCI id", "why", "01:00.9");
    FAILS(2, "one argument too many", "doctor", "01:00");
    FAILS(1, "numvfs: type check", "vfs", "03:00.1", "many");
}
