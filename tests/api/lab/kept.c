/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a bare host to one that has virtual functions, mediated devices and a card on vfio-pci after each
 * start, by what the remedies say: tests/lab/topology/kept, on which tests/lab/kept runs the first of these
 * tests, and after the reboot that it makes, the other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/vm.h"

#define PCI    "/nodes/" NODE "/hardware/pci"
#define MDEV   "/nodes/" NODE "/hardware/mdev"
#define PARENT "0000:00:02.0"
#define CARD   "0000:01:00.0"
#define FIRST  "0000:01:10.0" /* its virtual functions */
#define SECOND "0000:01:10.2"
#define OTHER  "0000:02:00.0"
#define FOLDER "/srv/lab/hostpci" /* on a drive that survives */

static void start(void)
{
    lab_start_in(FOLDER);
}

TestSuite(lab_kept, .init = start, .timeout = 600);

/* Does what the remedy of a check says. */
static void fix(const char *check, const char *device)
{
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    free(program_run((const char *const[]){"fix", check, "--device", device, "--yes", NULL}));
}

LAB_TEST(lab_kept, are_made)
{
    cr_assert_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "now"), 0);
    fix("sriov", CARD);
    cr_assert_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "now"), 4);
    fix("mdev-types", PARENT);
    cr_assert_eq(json_array_size(get(MDEV, NULL)), 1);
    fix("driver-at-boot", OTHER);
    cr_assert_str_eq(machine_driver(OTHER), "e1000e", "until the next boot");
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", "onboot", "1", "hostpci0",
              FIRST, NULL);
    sync();
    machine_write("/proc/sysrq-trigger", "b");
    pause();
}

static void forget(void)
{
    autofree char *path = xasprintf(MDEV "/%s", text_of(json_array_get(get(MDEV, NULL), 0), "uuid"));
    autofree char *removed = xstrdup(json_string_value(delete (path, NULL)));

    task_succeeds(removed);
    autofree char *upid =
        xstrdup(json_string_value(put(PCI "/" CARD "/sriov", "numvfs", "0", "persistent", "0", NULL)));
    task_succeeds(upid);
}

LAB_TEST(lab_kept, are_there_again)
{
    cr_assert_str_eq(machine_driver(OTHER), "vfio-pci", "by the kernel alone");
    cr_assert_str_empty(machine_override(OTHER));
    cr_assert_not(machine_has(FIRST));
    autofree char *upid = xstrdup(json_string_value(post("/nodes/" NODE "/startall", NULL)));
    task_says(upid, "Waiting for the persistent settings of " CARD " (sriov)");
    RUN("modprobe", "igb");
    autofree char *end = task_end(upid), *log = task_text(upid);
    cr_assert_str_eq(end, "OK", "%s", log);
    cr_assert_null(strstr(log, CARD " (sriov), " CARD " (sriov)"), "%s", log);
    cr_assert_str_eq(machine_driver(FIRST), "vfio-pci");
    cr_assert_str_eq(machine_driver(SECOND), "");
    cr_assert_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "now"), 4);
    const json_t *mdev = json_array_get(get(MDEV, NULL), 0);
    cr_assert_str_eq(text_of(mdev, "state"), "active", "the start of VMs waited for it, too");
    autofree char *stop = xstrdup(json_string_value(post(QEMU "/100/status/stop", NULL, NULL)));
    task_succeeds(stop);
    lab_broker_becomes_idle();
    forget();
    RUN("modprobe", "-r", "igb");
}
