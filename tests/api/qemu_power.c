/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM is asked to do while it runs, as far as it needs no QEMU: what is refused, and how. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM     QEMU "/100"
#define STATUS VM "/status"
#define GONE   "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist"
#define JOE    "joe@pve"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(qemu_power, .init = start, .timeout = 120);

/* "reset/reboot/suspend/resume stopped: 500 'VM 100 not running'" */
DAEMON_TEST(qemu_power, of_a_stopped_vm_is_an_error)
{
    static const char *const verbs[] = {"reset", "suspend", "resume", "reboot"};

    vm_create("100", NULL);
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        autofree char *path = xasprintf(STATUS "/%s", verbs[i]);
        fails(500, "VM 100 not running", "POST", path, NULL);
    }
    fails(500, "VM 100 not running", "POST", VM "/monitor", "command", "info pci", NULL);
}

DAEMON_TEST(qemu_power, of_a_missing_vm_is_an_error_but_a_shutdown_is_a_task)
{
    fails(500, GONE, "POST", STATUS "/reset", NULL);
    fails(500, GONE, "POST", STATUS "/resume", NULL);
    const char *upid = json_string_value(post(STATUS "/shutdown", NULL));
    cr_assert_not_null(strstr(upid, ":qmshutdown:100:root@pam:"), "%s", upid);
    cr_expect_str_eq(vm_task_end(upid), GONE);
}

DAEMON_TEST(qemu_power, locked_vm_is_left_alone)
{
    vm_create("100", "lock", "backup", NULL);
    cr_expect_str_eq(vm_task_end(json_string_value(post(STATUS "/shutdown", NULL))), "VM is locked (backup)");
}

DAEMON_TEST(qemu_power, suspending_to_disk_is_refused)
{
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(100);
    fails(500,
          "cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility to "
          "save/restore their internal state",
          "POST", STATUS "/suspend", "todisk", "1", NULL);
    wrong_parameter("todisk", "missing property - 'statestorage' requires this property", "POST",
                    STATUS "/suspend", "statestorage", "local", NULL);
}

DAEMON_TEST(qemu_power, needs_its_privilege_and_root_for_some_options)
{
    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEAuditor", "users", JOE);
    account_enter(JOE);
    fails(403, "Permission check failed (/vms/100, VM.PowerMgmt)", "POST", STATUS "/reset", NULL);
    fails(403, "Permission check failed (/vms/100, VM.PowerMgmt)", "POST", STATUS "/shutdown", NULL);
    fails(403, "Permission check failed (/vms/100, Sys.Modify)", "POST", VM "/monitor", "command", "quit",
          NULL);
    fails(500, "VM 100 not running", "POST", VM "/monitor", "command", "info status", NULL);
}

DAEMON_TEST(qemu_power, skipping_a_lock_is_for_root)
{
    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMUser", "users", JOE);
    account_enter(JOE);
    wrong_parameter("skiplock", "Only root may use this option.", "POST", STATUS "/shutdown", "skiplock", "1",
                    NULL);
    wrong_parameter("skiplock", "Only root may use this option.", "POST", STATUS "/reset", "skiplock", "1",
                    NULL);
}
