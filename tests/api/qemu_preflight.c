/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/preflight: what a start would do, and everything that prevents it. The texts
 * are tested word for word in tests/unit/passthrough/preflight/; these tests need the real QEMU of the
 * package qemu-system-x86. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"
#include "tests/hosts/kernel.h"

#define VM        QEMU "/100"
#define PREFLIGHT VM "/preflight"
#define DISK      "0000:04:00.0" /* nobody uses it; reset methods: flr bus */
#define NVME      "node=" NODE ",path=0000:04:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=11"
#define USB       "node=" NODE ",path=0000:05:00.0,id=1912:0014,subsystem-id=1912:0014,iommugroup=13"

TestSuite(qemu_preflight, .timeout = 120);

static const json_t *look(void)
{
    return get(PREFLIGHT, NULL);
}

static const char *message_of(const json_t *reply, const char *check)
{
    return text_of(row(member(reply, "checks"), "id", check), "message");
}

DAEMON_TEST(qemu_preflight, of_a_vm_that_can_be_started)
{
    START(.host = "golden");
    vm_create("100", "machine", "q35", "memory", "1024", "hostpci0", "01:00,pcie=1,x-vga=1", "net0",
              "virtio,bridge=vmbr0", NULL);
    const json_t *reply = look();

    cr_expect_eq(number_of(reply, "startable"), 1);
    cr_expect_str_eq(text_of(reply, "summary"), "It can be started.");
    is_json(member(reply, "devices"),
            "[{'key':'hostpci0','chosen':['0000:01:00.0','0000:01:00.1'],'detaches':[]}]");
}

DAEMON_TEST(qemu_preflight, everything_is_told_at_once_and_nothing_changed)
{
    START(.host = "golden", .kernel = true);
    vm_create("100", "hostpci0", "02:00.0,pcie=1", "hostpci1", "09:00.0", "hostpci2", DISK, "net0",
              "virtio,bridge=vmbr7", "scsi0", "/nowhere/disk.raw", "memory", "1024", NULL);
    unsigned writes = kernel_count(SYSFS_WRITE);
    const json_t *reply = look();

    cr_expect_eq(number_of(reply, "startable"), 0);
    cr_expect_str_eq(text_of(reply, "summary"),
                     "It would not start: no PCI device found for '0000:09:00.0' (and 4 more)");
    cr_expect_str_eq(message_of(reply, "device-chosen"), "no PCI device found for '0000:09:00.0'");
    contains(message_of(reply, "host-use"), "hostpci0, 0000:02:00.0: The host cannot run without it");
    cr_expect_str_eq(message_of(reply, "command-line"), "hostpci0: q35 machine model is not enabled");
    cr_expect_str_eq(message_of(reply, "volume"), "scsi0: the volume '/nowhere/disk.raw' is missing.");
    cr_expect_str_eq(message_of(reply, "bridge-of-net"), "net0: bridge 'vmbr7' does not exist");
    is_json(
        member(reply, "devices"),
        "[{'key':'hostpci0','chosen':['0000:02:00.0'],'detaches':[{'id':'0000:02:00.0','driver':'nvme'}]},"
        "{'key':'hostpci1','chosen':[],'detaches':[]},"
        "{'key':'hostpci2','chosen':['" DISK "'],'detaches':[{'id':'" DISK "','driver':'nvme'}]}]");
    cr_expect_eq(kernel_count(SYSFS_WRITE), writes);
}

DAEMON_TEST(qemu_preflight, of_a_mapping_tells_why_alternatives_were_passed_over)
{
    START(.host = "golden");
    post("/cluster/mapping/pci", "id", "any", "map", NVME, "map", USB, NULL);
    vm_create("100", "hostpci0", "mapping=any", "hostpci1", "mapping=any", NULL);
    const json_t *device = json_array_get(member(look(), "devices"), 1);

    is_json(member(device, "chosen"), "['0000:05:00.0']");
    is_json(member(device, "detaches"), "[{'id':'0000:05:00.0','driver':'xhci_hcd'}]");
    cr_expect_str_eq(text_of(device, "mapping"), "any");
    const json_t *refused = row(member(device, "refused"), "path", DISK);
    cr_expect_str_eq(text_of(refused, "reason"), "device '" DISK "' assigned more than once");
}

DAEMON_TEST(qemu_preflight, of_a_device_that_a_task_has_in_hand)
{
    START(.host = "golden", .kernel = true);
    autofree char *gate = xasprintf("%s.gate", daemon_broker());
    double end = machine_slept() + 30;
    struct error err;
    vm_create("100", "hostpci0", DISK, NULL);
    kernel_set_fault(
        &(const struct kernel_fault){.access = SYSFS_WRITE, .path = "/unbind", .first = 1, .until = gate});
    autofree char *upid = MOVE_BEGIN(DISK, "vfio-pci");
    while (!kernel_fault_hangs()) {
        cr_assert_lt(machine_slept(), end, "nothing hangs");
        machine_sleep(5);
    }
    const json_t *check = row(member(look(), "checks"), "id", "device-in-hand");
    cr_expect_str_eq(text_of(check, "severity"), "warning");
    cr_expect_str_eq(text_of(check, "message"), DISK ": a task is working on it.");
    cr_expect_str_eq(text_of(check, "evidence"), upid);
    cr_assert_eq(file_replace(gate, "", 0, 0644, &err), 0, "%s", err.message);
    task_succeeds(upid);
    cr_expect_not(has_row(member(look(), "checks"), "id", "device-in-hand"));
}

DAEMON_TEST(qemu_preflight, of_a_device_whose_last_reset_failed)
{
    START(.host = "golden", .kernel = true);
    vm_create("100", "hostpci0", DISK, NULL);
    kernel_set_reset(DISK, "flr", EIO);
    kernel_set_reset(DISK, "bus", EIO);
    autofree char *failed = reset_begin(DISK, false);
    task_fails(failed, "Input/output error");
    const json_t *check = row(member(look(), "checks"), "id", "device-reset");
    cr_expect_str_eq(text_of(check, "severity"), "warning");
    cr_expect_str_eq(text_of(check, "message"),
                     DISK ": its last reset failed; it may not work until one succeeds.");
    contains(text_of(check, "evidence"), "Input/output error");
    cr_expect_str_eq(text_of(check, "remedy"), "hostpci create /nodes/localhost/hardware/pci/" DISK "/reset");
    kernel_set_reset(DISK, "bus", 0);
    autofree char *worked = reset_begin(DISK, false);
    task_succeeds(worked);
    cr_expect_not(has_row(member(look(), "checks"), "id", "device-reset"));
}

/* Without a broker it sees less, and says so where that matters. */
DAEMON_TEST(qemu_preflight, without_a_broker)
{
    START(.host = "golden", .as_nobody = true);
    vm_create("100", "hostpci0", "02:00.0", NULL);
    contains(message_of(look(), "host-use"), "hostpci0, 0000:02:00.0: The host cannot run without it");
}

DAEMON_TEST(qemu_preflight, of_a_vm_that_runs_and_of_one_that_wants_its_device)
{
    START(.host = "golden");
    vm_create("200", "hostpci0", "01:00.0", NULL);
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(200);
    cr_expect_str_eq(message_of(get(QEMU "/200/preflight", NULL), "vm-running"), "VM 200 already running");
    cr_expect_str_eq(message_of(look(), "device-chosen"),
                     "PCI device '0000:01:00.0' already in use by VMID '200'");
}

DAEMON_TEST(qemu_preflight, of_a_vm_that_is_not_there)
{
    START(.host = "golden");
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist", "GET", PREFLIGHT,
          NULL);
}

DAEMON_TEST(qemu_preflight, needs_vm_audit)
{
    START(.host = "golden");
    vm_needs_audit(PREFLIGHT);
    cr_expect_eq(number_of(look(), "startable"), 1);
}
