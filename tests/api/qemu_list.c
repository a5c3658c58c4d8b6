/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of virtual machines, and those of them in /cluster/resources and /cluster/nextid. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/host.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define MIB (1024LL * 1024)
#define JOE "joe@pve"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(qemu_list, .init = start, .timeout = 120);

/* The row of a list whose `vmid` is the number; clients compare it as one. */
static const json_t *vm(const json_t *list, long long vmid)
{
    json_t *candidate;
    size_t i;

    json_array_foreach(list, i, candidate)
        if (has(candidate, "vmid") && number_of(candidate, "vmid") == vmid)
            return candidate;
    cr_assert_fail("no VM %lld", vmid);
    return NULL;
}

DAEMON_TEST(qemu_list, is_empty_at_first)
{
    is_json(get(QEMU, NULL), "[]");
}

DAEMON_TEST(qemu_list, of_a_vm_without_any_key_has_the_defaults)
{
    vm_create("100", NULL);
    const json_t *row = vm(get(QEMU, NULL), 100);
    cr_assert_str_eq(text_of(row, "name"), "VM 100");
    cr_assert_str_eq(text_of(row, "status"), "stopped");
    cr_assert_eq(number_of(row, "cpus"), 1);
    cr_assert_eq(number_of(row, "maxmem"), 512 * MIB);
    cr_assert_eq(number_of(row, "maxdisk"), 0);
    cr_assert_not(has(row, "pid"));
    cr_assert_not(has(row, "lock"));
    cr_assert_not(has(row, "tags"));
    cr_assert_not(has(row, "template"));
    cr_assert_not(has(row, "serial"));
}

DAEMON_TEST(qemu_list, shows_a_vm_that_wants_more_than_there_can_be)
{
    static const char most[] = "9007199254740992";

    vm_create("100", "memory", most, "sockets", most, "cores", most, NULL);
    const json_t *row = vm(get(QEMU, NULL), 100);
    cr_assert_eq(number_of(row, "maxmem"), 9007199254740992);
    cr_assert_eq(number_of(row, "cpus"), 9007199254740992);
}

DAEMON_TEST(qemu_list, tells_name_size_tags_and_lock)
{
    vm_create("100", "name", "web", "memory", "current=2048", "sockets", "2", "cores", "3", "tags", "b;a",
              "lock", "backup", "serial0", "socket", "template", "1", NULL);
    const json_t *row = vm(get(QEMU, NULL), 100);
    cr_assert_str_eq(text_of(row, "name"), "web");
    cr_assert_eq(number_of(row, "cpus"), 6);
    cr_assert_eq(number_of(row, "maxmem"), 2048 * MIB);
    cr_assert_str_eq(text_of(row, "tags"), "a;b");
    cr_assert_str_eq(text_of(row, "lock"), "backup");
    cr_assert_eq(number_of(row, "template"), 1);
    cr_assert_eq(number_of(row, "serial"), 1);
}

DAEMON_TEST(qemu_list, tells_the_processors_that_are_there_at_the_start)
{
    vm_create("100", "sockets", "2", "cores", "4", "vcpus", "3", NULL);
    cr_assert_eq(number_of(vm(get(QEMU, NULL), 100), "cpus"), 3);
}

DAEMON_TEST(qemu_list, tells_the_size_of_the_first_disk_that_is_booted_from)
{
    vm_create("100", "ide2", "none,media=cdrom", "scsi0", "/srv/a.raw,size=4G", "scsi1", "/srv/b.raw,size=8G",
              "boot", "order=ide2;net0;scsi1;scsi0", "net0", "virtio", NULL);
    cr_assert_eq(number_of(vm(get(QEMU, NULL), 100), "maxdisk"), 8 * 1024 * MIB);
}

DAEMON_TEST(qemu_list, counters_of_a_stopped_one_are_zero)
{
    static const char *const names[] = {"cpu",       "mem",   "memhost", "disk",  "diskread",
                                        "diskwrite", "netin", "netout",  "uptime"};

    vm_create("100", NULL);
    const json_t *list = get(QEMU, NULL), *all = get("/cluster/resources", "type", "vm", NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        cr_expect_eq(number_of(vm(list, 100), names[i]), 0, "%s", names[i]);
        cr_expect_eq(number_of(vm(all, 100), names[i]), 0, "%s", names[i]);
    }
}

/* A VM runs if a process holds its devices. */
DAEMON_TEST(qemu_list, tells_which_ones_run)
{
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_create("101", "hostpci0", "01:00.0", NULL);
    vm_run(101);
    const json_t *list = get(QEMU, "full", "1", NULL);
    cr_assert_str_eq(text_of(vm(list, 100), "status"), "stopped");
    cr_assert_str_eq(text_of(vm(list, 101), "status"), "running");
    cr_assert_eq(number_of(vm(list, 101), "pid"), VM_PROCESS);
    cr_assert_str_eq(text_of(vm(get("/cluster/resources", NULL), 101), "status"), "running");

    host_remove("proc/4321/stat");
    cr_assert_str_eq(text_of(vm(get(QEMU, NULL), 101), "status"), "stopped");
}

/* "qemu list ..., VM.Audit-filtered", and so are the resources. */
DAEMON_TEST(qemu_list, shows_what_the_caller_may_see)
{
    vm_create("100", NULL);
    vm_create("101", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/101", "PVEVMUser", "users", JOE);
    account_enter(JOE);
    const json_t *list = get(QEMU, NULL), *all = get("/cluster/resources", "type", "vm", NULL);
    cr_assert_eq(json_array_size(list), 1);
    cr_assert_eq(json_array_size(all), 1);
    vm(list, 101);
    vm(all, 101);
}

/* "cluster/resources vm id qemu/100, sorted by string vmid" */
DAEMON_TEST(qemu_list, resources_have_vms_in_the_order_of_their_ids_as_texts)
{
    vm_create("99999", "name", "last", NULL);
    vm_create("1000", "cores", "2", NULL);
    vm_create("101", "template", "1", NULL);
    const json_t *all = get("/cluster/resources", "type", "vm", NULL);
    cr_assert_eq(json_array_size(all), 3);
    cr_assert_str_eq(text_of(json_array_get(all, 0), "id"), "qemu/1000");
    cr_assert_str_eq(text_of(json_array_get(all, 1), "id"), "qemu/101");
    cr_assert_str_eq(text_of(json_array_get(all, 2), "id"), "qemu/99999");

    const json_t *first = json_array_get(all, 0);
    cr_assert_str_eq(text_of(first, "type"), "qemu");
    cr_assert_str_eq(text_of(first, "node"), NODE);
    cr_assert_str_eq(text_of(first, "name"), "VM 1000");
    cr_assert_eq(number_of(first, "vmid"), 1000);
    cr_assert_eq(number_of(first, "maxcpu"), 2);
    cr_assert_eq(number_of(first, "maxmem"), 512 * MIB);
    cr_assert_eq(number_of(first, "template"), 0);
    cr_assert_eq(number_of(json_array_get(all, 1), "template"), 1);
}

DAEMON_TEST(qemu_list, resources_can_be_asked_for_by_kind)
{
    vm_create("100", NULL);
    cr_assert(has_row(get("/cluster/resources", NULL), "id", "qemu/100"));
    cr_assert(has_row(get("/cluster/resources", NULL), "id", "node/" NODE));
    cr_assert_not(has_row(get("/cluster/resources", "type", "node", NULL), "id", "qemu/100"));
    cr_assert_not(has_row(get("/cluster/resources", "type", "vm", NULL), "id", "node/" NODE));
    is_json(get("/cluster/resources", "type", "sdn", NULL), "[]");
}

/* A node that this one knows only from the documents. */
DAEMON_TEST(qemu_list, of_another_node_is_not_here)
{
    vm_create("100", NULL);
    daemon_stop();
    document_put("vm", "200", "{'node':'pve9','config':{'name':'far'}}");
    daemon_start_again();
    cr_assert_eq(json_array_size(get(QEMU, NULL)), 1);
    const json_t *far = vm(get("/cluster/resources", NULL), 200);
    cr_assert_str_eq(text_of(far, "node"), "pve9");
    cr_assert_str_eq(text_of(far, "status"), "unknown");
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/200.conf' does not exist", "GET",
          QEMU "/200/pending", NULL);
}

/* More VMs than are read into memory at once. */
DAEMON_TEST(qemu_list, has_all_of_hundreds)
{
    daemon_stop();
    for (int i = 1; i <= 300; i++) {
        autofree char *id = xasprintf("%d", 7 * i + 100);
        document_put("vm", id, "{'node':'" NODE "','config':{}}");
    }
    daemon_start_again();
    const json_t *list = get(QEMU, NULL);
    cr_assert_eq(json_array_size(list), 300);
    for (int i = 1; i <= 300; i++)
        vm(list, 7 * i + 100);
}

DAEMON_TEST(qemu_list, nextid_leaves_out_what_exists)
{
    vm_create("100", NULL);
    vm_create("102", NULL);
    is_json(get("/cluster/nextid", NULL), "'101'");
    is_json(get("/cluster/nextid", "vmid", "101", NULL), "'101'");
    wrong_parameter("vmid", "VM 102 already exists", "GET", "/cluster/nextid", "vmid", "102", NULL);
}

DAEMON_TEST(qemu_list, of_an_unknown_node_is_an_error)
{
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is '" NODE "'", "GET",
          "/nodes/pve9/qemu", NULL);
}
