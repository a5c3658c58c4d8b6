/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci fix`: the call that does what the remedy of a finding says, and its exit codes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/vm.h"
#include "tests/hosts/kernel.h"

#define DISK                     "0000:04:00.0" /* nobody uses it */
#define CONFIG                   QEMU "/100/config"

#define RUN(...)                 program_run((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(status, text, ...) program_fails(status, text, (const char *const[]){__VA_ARGS__, NULL})

/* Programs that are started from now on read this. */
static void replace_input(int input)
{
    cr_assert_neq(input, -1);
    cr_assert_eq(dup2(input, STDIN_FILENO), STDIN_FILENO);
    close(input);
}

static void start(void)
{
    START(.host = "golden", .kernel = true);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    replace_input(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TestSuite(fix, .init = start, .timeout = 120);

/* A terminal at which this has been typed. */
static void type(const char *answer)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    cr_assert_eq(grantpt(terminal), 0);
    cr_assert_eq(unlockpt(terminal), 0);
    replace_input(open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC));
    cr_assert_eq(write(terminal, answer, strlen(answer)), (ssize_t)strlen(answer));
}

static void has_printed(const char *printed, const char *part)
{
    cr_expect_not_null(strstr(printed, part), "'%s' is not in:\n%s", part, printed);
}

DAEMON_TEST(fix, the_call_is_shown_and_made_and_its_task_followed)
{
    autofree char *printed = RUN("fix", "driver-in-use", "--device", DISK, "--yes");

    has_printed(printed, "The driver nvme is bound to it until a VM with the device starts. [driver-in-use]");
    has_printed(printed, "/driver: nvme\n");
    has_printed(printed, "    hostpci set /nodes/localhost/hardware/pci/" DISK "/driver --driver vfio-pci\n");
    has_printed(printed, "PUT /nodes/" NODE "/hardware/pci/" DISK "/driver driver=vfio-pci\n");
    has_printed(printed, "TASK OK");
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
    autofree char *again = RUN("fix", "driver-in-use", "--device", DISK, "--yes");
    has_printed(again, "driver-in-use has found nothing to put right here.");
}

DAEMON_TEST(fix, nothing_is_done_unless_somebody_says_yes)
{
    FAILS(2, "--yes does it", "fix", "driver-in-use", "--device", DISK);
    type("\n");
    FAILS(1, "nothing was changed", "fix", "driver-in-use", "--device", DISK);
    type("no\n");
    FAILS(1, "nothing was changed", "fix", "driver-in-use", "--device", DISK);
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
    type("y\n");
    free(RUN("fix", "driver-in-use", "--device", DISK));
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
}

DAEMON_TEST(fix, a_task_that_fails_is_a_failure)
{
    kernel_refuse(DISK, "vfio-pci");
    FAILS(1, "", "fix", "driver-in-use", "--device", DISK, "--yes");
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
}

DAEMON_TEST(fix, of_several_findings_one_must_be_chosen)
{
    vm_create("100", "hostpci0", DISK ",rombar=0", "hostpci1", "0000:05:00.0,rombar=0", NULL);
    FAILS(2, "rom-bar found 2 things: choose one with --number", "fix", "rom-bar", "--vmid", "100", "--yes");
    FAILS(2, "--number must be from 1 to 2, not '3'", "fix", "rom-bar", "--vmid", "100", "--number", "3");
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "hostpci1"), "0000:05:00.0,rombar=0");
    free(RUN("fix", "rom-bar", "--vmid", "100", "--yes", "--number", "2"));
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "hostpci0"), DISK ",rombar=0");
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "hostpci1"), "0000:05:00.0");
    free(RUN("fix", "rom-bar", "--vmid", "100", "--yes"));
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "hostpci0"), DISK);
}

DAEMON_TEST(fix, what_no_call_puts_right_is_shown_with_its_remedy)
{
    FAILS(1, "no call of the API puts this right: type what the remedy says", "fix", "host-use", "--device",
          "0000:03:00.0", "--yes");
}

DAEMON_TEST(fix, a_command_line_that_makes_no_sense_is_refused)
{
    FAILS(2, "there is no check 'driver'", "fix", "driver");
    FAILS(2, "needs the name of a check", "fix");
    FAILS(2, "'sriov' is a check of a device: say which with --device ID", "fix", "sriov");
    FAILS(2, "'iommu-enabled' is a check of the host: leave --device out", "fix", "iommu-enabled", "--device",
          DISK);
    FAILS(2, "'rom-bar' is a check of a VM's start: say which with --vmid VMID", "fix", "rom-bar");
    FAILS(2, "exclude each other", "fix", "rom-bar", "--vmid", "100", "--device", DISK);
    FAILS(2, "'../../qemu' is not a PCI id", "fix", "rom-bar", "--device", "../../qemu");
    FAILS(2, "'x' is not a VMID", "fix", "rom-bar", "--vmid", "x");
    FAILS(1, "no PCI device", "fix", "driver-in-use", "--device", "0000:7f:00.0");
    setenv("HOSTPCI_SOCKET", "/nowhere", 1);
    FAILS(3, "", "fix", "driver-in-use", "--device", DISK);
}
