/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DELETE /nodes/{node}/qemu/{vmid}. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "task/upid.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM  QEMU "/100"
#define JOE "joe@pve"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(qemu_delete, .init = start, .timeout = 120);

static void delete_vm(const char *path)
{
    const struct reply *reply = CALL(.method = "DELETE", .path = path);

    cr_assert_eq(reply->status, 200, "%s", reply->body);
    cr_assert_str_eq(vm_task_end(json_string_value(reply->data)), "OK");
}

DAEMON_TEST(qemu_delete, is_a_task_after_which_the_vm_is_gone)
{
    struct upid upid;

    vm_create("100", NULL);
    const char *text = json_string_value(delete (VM, NULL));
    cr_assert(upid_parse(text, &upid), "%s", text);
    cr_assert_str_eq(upid.type, "qmdestroy");
    cr_assert_str_eq(upid.id, "100");
    cr_assert_str_eq(vm_task_end(text), "OK");
    is_json(get(QEMU, NULL), "[]");
    is_json(get("/cluster/nextid", NULL), "'100'");
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist", "DELETE", VM, NULL);
}

/* bpg's provider for Terraform: DELETE /qemu/100/?purge=..., and Proxmox's window: both options. */
DAEMON_TEST(qemu_delete, takes_what_clients_send)
{
    vm_create("100", NULL);
    delete_vm(VM "/?purge=1&destroy-unreferenced-disks=1");
    vm_create("100", NULL);
    delete_vm(VM "?skiplock=0&purge=0");
    vm_create("100", NULL);
    delete_vm("/api2/extjs" VM "?purge=1&destroy-unreferenced-disks=1");
}

/* Files that somebody named by their paths do not belong to the VM. */
DAEMON_TEST(qemu_delete, leaves_disks_and_names_them)
{
    autofree char *disk = xasprintf("%s/disk.raw", daemon_run()), *value = xasprintf("%s,size=1M", disk);
    struct error err;

    cr_assert_eq(file_replace(disk, "data", 4, 0666, &err), 0, "%s", err.message);
    vm_create("100", "scsi0", value, "ide2", "/srv/debian.iso,media=cdrom", "efidisk0", "/srv/vars.fd", NULL);
    const json_t *begun = delete (VM, NULL);
    autofree char *upid = xstrdup(json_string_value(begun));
    cr_assert_str_eq(vm_task_end(upid), "OK");
    autofree char *log = json_dumps(vm_task_log(upid), 0), *left = xasprintf("scsi0: '%s' is left", disk);
    cr_assert_not_null(strstr(log, left), "%s", log);
    cr_assert_not_null(strstr(log, "efidisk0: '/srv/vars.fd' is left"), "%s", log);
    cr_assert_null(strstr(log, "debian.iso"), "what lay in a drive was not the VM's: %s", log);
    cr_assert_eq(access(disk, F_OK), 0);
}

DAEMON_TEST(qemu_delete, is_refused_with_protection)
{
    vm_create("100", "protection", "1", NULL);
    fails(500, "can't remove VM 100 - protection mode enabled", "DELETE", VM, NULL);
    put(VM "/config", "protection", "0", NULL);
    delete_vm(VM);
}

DAEMON_TEST(qemu_delete, is_refused_while_locked)
{
    vm_create("100", "lock", "backup", NULL);
    fails(500, "VM is locked (backup)", "DELETE", VM, NULL);
    delete_vm(VM "?skiplock=1");
}

DAEMON_TEST(qemu_delete, skips_locks_for_root_only)
{
    vm_create("100", "lock", "backup", NULL);
    account_create(JOE, NULL);
    account_grant("/", "Administrator", "users", JOE);
    account_enter(JOE);
    wrong_parameter("skiplock", "Only root may use this option.", "DELETE", VM, "skiplock", "1", NULL);
    fails(500, "VM is locked (backup)", "DELETE", VM, "skiplock", "0", NULL);
}

DAEMON_TEST(qemu_delete, is_refused_while_it_runs)
{
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(100);
    fails(500, "VM 100 is running - destroy failed", "DELETE", VM, NULL);
    cr_assert_eq(json_array_size(get(QEMU, NULL)), 1);
}

DAEMON_TEST(qemu_delete, needs_to_allocate_the_id)
{
    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMUser", "users", JOE);
    account_enter(JOE);
    fails(403, "Permission check failed (/vms/100, VM.Allocate)", "DELETE", VM, NULL);
    fails(403, "Permission check failed (/vms/101, VM.Allocate)", "DELETE", QEMU "/101", NULL);
}

/* Otherwise whoever had a VM would get a later one of the same id. */
DAEMON_TEST(qemu_delete, takes_its_entries_of_the_acl_with_it)
{
    vm_create("100", NULL);
    vm_create("101", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMAdmin", "users", JOE);
    account_grant("/vms/101", "PVEVMAdmin", "users", JOE);
    delete_vm(VM);
    const json_t *acl = get("/access/acl", NULL);
    cr_assert_not(has_row(acl, "path", "/vms/100"));
    cr_assert(has_row(acl, "path", "/vms/101"));
    vm_create("100", NULL);
    account_enter(JOE);
    cr_assert_eq(json_array_size(get(QEMU, NULL)), 1);
}
