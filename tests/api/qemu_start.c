/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting and stopping VMs as far as it needs no QEMU: always a task, whose end says why it failed. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM   QEMU "/100"
#define GONE "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist"
#define JOE  "joe@pve"

static void start(void)
{
    START(.host = "golden");
}

TestSuite(qemu_start, .init = start, .timeout = 120);

/* The end of the task that the verb begins; an empty body is a start. */
static const char *end_of(const char *verb)
{
    autofree char *path = xasprintf(VM "/status/%s", verb);

    return vm_task_end(json_string_value(post(path, NULL)));
}

static bool log_has(const json_t *log, const char *text)
{
    const json_t *line;
    size_t i;

    json_array_foreach(log, i, line)
        if (strstr(text_of(line, "t"), text) != NULL)
            return true;
    return false;
}

DAEMON_TEST(qemu_start, of_a_missing_vm_is_a_task_that_fails)
{
    const char *upid = json_string_value(post(VM "/status/start", NULL));
    cr_assert_not_null(strstr(upid, ":qmstart:100:root@pam:"), "%s", upid);
    cr_expect_str_eq(vm_task_end(upid), GONE);
    upid = json_string_value(post(VM "/status/stop", NULL));
    cr_assert_not_null(strstr(upid, ":qmstop:100:root@pam:"), "%s", upid);
    cr_expect_str_eq(vm_task_end(upid), GONE);
}

DAEMON_TEST(qemu_start, of_a_template_is_refused_before_its_lock_is_looked_at)
{
    vm_create("100", "template", "1", "lock", "backup", NULL);
    cr_expect_str_eq(end_of("start"), "you can't start a vm if it's a template");
}

DAEMON_TEST(qemu_start, of_a_locked_vm_is_refused)
{
    vm_create("100", "lock", "backup", NULL);
    cr_expect_str_eq(end_of("start"), "VM is locked (backup)");
    cr_expect_str_eq(end_of("stop"), "VM is locked (backup)");
}

DAEMON_TEST(qemu_start, of_a_running_vm_says_so)
{
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(100);
    cr_expect_str_eq(end_of("start"), "VM 100 already running");
}

DAEMON_TEST(qemu_start, of_a_device_that_cannot_be_had_tells_it_first_and_all_else_in_the_log)
{
    vm_create("100", "hostpci0", "09:00.0", "scsi0", "/nowhere/disk.raw", NULL);
    const char *upid = json_string_value(post(VM "/status/start", NULL));
    cr_expect_str_eq(vm_task_end(upid), "no PCI device found for '0000:09:00.0'");
    const json_t *log = vm_task_log(upid);
    cr_expect(log_has(log, "no PCI device found for '0000:09:00.0' [device-chosen]"));
    cr_expect(log_has(log, "scsi0: the volume '/nowhere/disk.raw' is missing. [volume]"));
    cr_expect_str_eq(text_of(get(VM "/status/current", NULL), "status"), "stopped");
}

DAEMON_TEST(qemu_start, that_fails_reserves_nothing)
{
    vm_create("100", "hostpci0", "04:00.0", "scsi0", "/nowhere/disk.raw", NULL);
    cr_expect_str_neq(end_of("start"), "OK");
    cr_expect_not(
        has(get("/nodes/" NODE "/hardware/pci/04:00.0/status", NULL), "used-by") &&
        strcmp(text_of(member(get("/nodes/" NODE "/hardware/pci/04:00.0/status", NULL), "used-by"), "state"),
               "configured") != 0);
}

DAEMON_TEST(qemu_start, applies_what_is_pending)
{
    vm_create("100", "hostpci0", "01:00.0", "scsi0", "/nowhere/disk.raw", NULL);
    vm_run(100);
    put(VM "/config", "hostpci0", "04:00.0", NULL);
    host_remove("proc/4321/stat"); /* the VM's process has ended */
    cr_expect_str_neq(end_of("start"), "OK");
    cr_expect_str_eq(text_of(get(VM "/config", "current", "1", NULL), "hostpci0"), "04:00.0");
}

DAEMON_TEST(qemu_start, needs_its_privilege_and_root_for_some_options)
{
    static const char *const options[] = {"skiplock", "with-conntrack-state"};

    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMUser", "users", JOE);
    account_enter(JOE);
    fails(403, "Permission check failed (/vms/101, VM.PowerMgmt)", "POST", QEMU "/101/status/start", NULL);
    fails(403, "Permission check failed (/vms/101, VM.PowerMgmt)", "POST", QEMU "/101/status/stop", NULL);
    for (size_t i = 0; i < COUNT_OF(options); i++)
        wrong_parameter(options[i], "Only root may use this option.", "POST", VM "/status/start", options[i],
                        "1", NULL);
    wrong_parameter("migratedfrom", "Only root may use this option.", "POST", VM "/status/start",
                    "migratedfrom", "pve9", NULL);
    wrong_parameter("keepActive", "Only root may use this option.", "POST", VM "/status/stop", "keepActive",
                    "1", NULL);
}

DAEMON_TEST(qemu_start, takes_what_clients_send_by_habit)
{
    vm_create("100", "lock", "backup", NULL);
    const char *upid = json_string_value(
        post(VM "/status/start", "timeout", "60", "migratedfrom", "", "stateuri", "", NULL));
    cr_expect_str_eq(vm_task_end(upid), "VM is locked (backup)");
    upid = json_string_value(post(VM "/status/stop", "timeout", "0", "overrule-shutdown", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "VM is locked (backup)");
    wrong_parameter("stateuri", "a VM is started from its disks here, not moved from a node", "POST",
                    VM "/status/start", "stateuri", "tcp", NULL);
}
