/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/status/current: whether a VM runs, and what it uses; the same in the list. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define CURRENT VM "/status/current"
#define MIB     (1024LL * 1024)

/* The process of vm_run, after so many hundredths of a second on the processors. */
#define STAT(ticks) "4321 (kvm) S 1 4321 4321 0 -1 4194560 0 0 0 0 " ticks " 0 0 0 20 0 4 0 77 0 256\n"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(qemu_status, .init = start, .timeout = 120);

static void is_integer(const json_t *row, const char *name, long long value)
{
    cr_expect(json_is_integer(member(row, name)), "%s", name);
    cr_expect_eq(number_of(row, name), value, "%s", name);
}

DAEMON_TEST(qemu_status, index_has_what_a_stopped_vm_can_be_asked)
{
    vm_create("100", NULL);
    cr_expect(has_row(get(VM "/status", NULL), "subdir", "current"));
    cr_expect(has_row(get(VM "/status", NULL), "subdir", "shutdown"));
}

/* "numbers, all 0 where stopped except sizes; pid and lock absent" */
DAEMON_TEST(qemu_status, of_a_stopped_vm_has_zeros_and_no_process)
{
    static const char *const zeros[] = {"cpu",       "mem",   "memhost", "disk",  "diskread",
                                        "diskwrite", "netin", "netout",  "uptime"};
    static const char *const absent[] = {"pid",    "lock",        "tags",        "template",        "serial",
                                         "agent",  "spice",       "clipboard",   "running-machine", "nics",
                                         "shares", "balloon_min", "running-qemu"};

    vm_create("100", "memory", "2048", "cores", "3", NULL);
    const json_t *row = get(CURRENT, NULL);
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        is_integer(row, zeros[i], 0);
    for (size_t i = 0; i < COUNT_OF(absent); i++)
        cr_expect_not(has(row, absent[i]), "%s", absent[i]);
    is_integer(row, "vmid", 100);
    is_integer(row, "cpus", 3);
    is_integer(row, "maxmem", 2048 * MIB);
    cr_expect_str_eq(text_of(row, "status"), "stopped");
    cr_expect_str_eq(text_of(row, "qmpstatus"), "stopped");
    cr_expect_str_eq(text_of(row, "name"), "VM 100");
    is_json(member(row, "ha"), "{'managed':0}");
}

DAEMON_TEST(qemu_status, tells_what_is_configured)
{
    vm_create("100", "agent", "1", "vga", "qxl", "balloon", "256", "shares", "50", "serial0", "socket",
              "template", "1", "lock", "backup", NULL);
    const json_t *row = get(CURRENT, NULL);
    is_integer(row, "agent", 1);
    is_integer(row, "spice", 1);
    is_integer(row, "serial", 1);
    is_integer(row, "template", 1);
    is_integer(row, "shares", 50);
    is_integer(row, "balloon_min", 256 * MIB);
    cr_expect(json_is_null(member(row, "clipboard")));
    cr_expect_str_eq(text_of(row, "lock"), "backup");
}

DAEMON_TEST(qemu_status, of_a_running_vm_tells_what_its_process_uses)
{
    vm_create("100", "hostpci0", "01:00.0", "cores", "2", NULL);
    vm_run(100);
    host_write("proc/4321/stat", STAT("100"));
    host_write("sys/class/net/tap100i0/statistics/rx_bytes", "7\n");
    host_write("sys/class/net/tap100i0/statistics/tx_bytes", "5000000000\n");
    const json_t *row = get(CURRENT, NULL);
    cr_expect_str_eq(text_of(row, "status"), "running");
    is_integer(row, "pid", VM_PROCESS);
    is_integer(row, "uptime", 9876); /* of the host, less the 0.77 s after which it began */
    is_integer(row, "mem", 256 * 4096);
    is_integer(row, "netin", 5000000000);
    is_integer(row, "netout", 7);
    is_json(member(row, "nics"), "{'tap100i0':{'netin':5000000000,'netout':7}}");
    cr_expect(json_is_integer(member(row, "cpu")), "there is no second sample yet");
}

DAEMON_TEST(qemu_status, cpu_is_a_share_from_the_second_sample_on)
{
    vm_create("100", "hostpci0", "01:00.0", "cores", "2", NULL);
    vm_run(100);
    get(CURRENT, NULL);
    machine_sleep(1100);
    host_write("proc/4321/stat", STAT("100"));
    double share = json_real_value(member(get(CURRENT, NULL), "cpu"));
    cr_expect_gt(share, 0.01, "%f", share);
    cr_expect_leq(share, 0.5, "%f: a second of two processors in more than a second", share);
    cr_expect(json_is_real(member(row(get(QEMU, NULL), "name", "VM 100"), "cpu")));
}

DAEMON_TEST(qemu_status, of_its_control_group_tells_disks_and_pressure)
{
#define GROUP "sys/fs/cgroup/system.slice/hostpci-vm@100.service/"
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(100);
    host_write("proc/4321/cgroup", "0::/system.slice/hostpci-vm@100.service\n");
    host_write(GROUP "memory.current", "8192\n");
    host_write(GROUP "io.stat", "8:0 rbytes=11 wbytes=22 rios=1 wios=1 dbytes=0 dios=0\n");
    host_write(GROUP "cpu.pressure", "some avg10=1.25 avg60=0.00 avg300=0.00 total=0\n");
    const json_t *row = get(CURRENT, NULL);
    is_integer(row, "memhost", 8192);
    is_integer(row, "diskread", 11);
    is_integer(row, "diskwrite", 22);
    cr_expect_float_eq(json_real_value(member(row, "pressurecpusome")), 1.25, 1e-9);
    cr_expect_not(has(row, "pressureiofull"));
}

DAEMON_TEST(qemu_status, of_a_missing_vm_is_an_error)
{
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist", "GET", CURRENT,
          NULL);
}

DAEMON_TEST(qemu_status, is_for_who_may_see_the_vm)
{
    vm_needs_audit(CURRENT);
    cr_expect_str_eq(text_of(get(CURRENT, NULL), "status"), "stopped");
}
