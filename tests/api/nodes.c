/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes and /cluster: this node, by itself. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/probe/qemu.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"

#define MIB (1024LL * 1024)

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(nodes, .init = start, .timeout = 120);

DAEMON_TEST(nodes, list_has_this_node_with_its_size_and_fingerprint)
{
    const json_t *list = get("/nodes", NULL), *node = row(list, "node", NODE);

    cr_assert_eq(json_array_size(list), 1);
    cr_assert_str_eq(text_of(node, "id"), "node/" NODE);
    cr_assert_str_eq(text_of(node, "type"), "node");
    cr_assert_str_eq(text_of(node, "status"), "online");
    cr_assert_eq(number_of(node, "maxcpu"), 8);
    cr_assert_eq(number_of(node, "maxmem"), 32768 * MIB);
    cr_assert_lt(number_of(node, "mem"), 32768 * MIB);
    cr_assert_gt(number_of(node, "uptime"), 0);
    cr_assert_gt(number_of(node, "maxdisk"), 0);
    cr_assert_eq(strlen(text_of(node, "ssl_fingerprint")), 32 * 3 - 1);
}

DAEMON_TEST(nodes, status_tells_kernel_cpus_memory_and_load)
{
    const json_t *status = get("/nodes/" NODE "/status", NULL);
    const json_t *cpuinfo = member(status, "cpuinfo"), *memory = member(status, "memory");

    cr_assert_str_eq(text_of(member(status, "current-kernel"), "release"), "6.1.0-28-amd64");
    cr_assert_str_eq(text_of(cpuinfo, "model"), "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz");
    cr_assert_str_eq(text_of(cpuinfo, "vendor"), "GenuineIntel");
    cr_assert_str_eq(text_of(cpuinfo, "hvm"), "1", "a string, as in Proxmox");
    cr_assert(json_is_string(member(cpuinfo, "mhz")), "a string, as in Proxmox");
    cr_assert_eq(number_of(cpuinfo, "cpus"), 8);
    cr_assert_eq(number_of(memory, "total"), 32768 * MIB);
    cr_assert_eq(number_of(memory, "used") + number_of(memory, "available"), number_of(memory, "total"));
    cr_assert_eq(json_array_size(member(status, "loadavg")), 3);
    cr_assert(json_is_string(json_array_get(member(status, "loadavg"), 0)), "strings, as in Proxmox");
    text_of(status, "kversion");
    text_of(status, "pveversion");
    member(status, "swap");
    member(status, "rootfs");
    is_json(member(status, "idle"), "0");
    is_json(member(member(status, "ksm"), "shared"), "0");
    member(status, "wait");
}

DAEMON_TEST(nodes, localhost_is_this_node)
{
    cr_assert(json_equal(get("/nodes/localhost/version", NULL), get("/nodes/" NODE "/version", NULL)));
    cr_assert(
        json_equal(get("/nodes/localhost/hardware/pci", NULL), get("/nodes/" NODE "/hardware/pci", NULL)));
}

DAEMON_TEST(nodes, another_node_cannot_be_reached)
{
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is '" NODE "'", "GET",
          "/nodes/pve9/status", NULL);
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is '" NODE "'", "GET",
          "/nodes/pve9/hardware/pci", NULL);
}

DAEMON_TEST(nodes, cluster_status_has_one_node_and_no_cluster)
{
    is_json(get("/cluster/status", NULL), "[{'id':'node/" NODE "','name':'" NODE "','type':'node','level':'',"
                                          "'nodeid':0,'online':1,'local':1}]");
}

DAEMON_TEST(nodes, cluster_resources_can_be_asked_for_by_kind)
{
    const json_t *all = get("/cluster/resources", NULL);

    cr_assert_str_eq(text_of(row(all, "id", "node/" NODE), "node"), NODE);
    cr_assert_eq(json_array_size(get("/cluster/resources", "type", "node", NULL)), 1);
    is_json(get("/cluster/resources", "type", "vm", NULL), "[]");
    const json_t *storage = get("/cluster/resources", "type", "storage", NULL);
    cr_assert_eq(json_array_size(storage), 1);
    cr_expect_str_eq(text_of(json_array_get(storage, 0), "id"), "storage/" NODE "/local");
    wrong_parameter("type", "value 'disk' does not have a value in the enumeration 'vm, storage, node, sdn'",
                    "GET", "/cluster/resources", "type", "disk", NULL);
}

/* Terraform's providers ask both with every VM; the error's text is a no to them. */
DAEMON_TEST(nodes, pools_and_high_availability_have_nothing)
{
    is_json(get("/pools", NULL), "[]");
    fails(500, "pool 'web' does not exist", "GET", "/pools", "poolid", "web", NULL);
    wrong_parameter("poolid", "missing property - 'type' requires this property", "GET", "/pools", "type",
                    "qemu", NULL);
    is_json(get("/cluster/ha/resources", NULL), "[]");
    fails(500, "no such resource 'vm:501'", "GET", "/cluster/ha/resources/501", NULL);
    fails(500, "no such resource 'vm:501'", "GET", "/cluster/ha/resources/vm:501", NULL);
    wrong_parameter("sid", "invalid format - value is neither a VM ID nor vm: or ct: with one\n", "GET",
                    "/cluster/ha/resources/web", NULL);
}

/* Two clients written in Go take nothing but a string. */
DAEMON_TEST(nodes, nextid_is_a_string)
{
    is_json(get("/cluster/nextid", NULL), "'100'");
    is_json(get("/cluster/nextid", "vmid", "4711", NULL), "'4711'");
    wrong_parameter("vmid", "value must have a minimum value of 100", "GET", "/cluster/nextid", "vmid", "99",
                    NULL);
    wrong_parameter("vmid", "type check ('integer') failed - got 'x'", "GET", "/cluster/nextid", "vmid", "x",
                    NULL);
}

DAEMON_TEST(nodes, time_is_told_in_utc_and_as_the_clock_on_the_wall)
{
    const json_t *now = get("/nodes/" NODE "/time", NULL);
    long long offset = number_of(now, "localtime") - number_of(now, "time");

    cr_assert_leq(llabs(number_of(now, "time") - (long long)time(NULL)), 60);
    cr_assert_leq(llabs(offset), 14 * 3600);
    cr_assert_neq(text_of(now, "timezone")[0], '\0');
}

/* Both forms of apt's files. */
DAEMON_TEST(nodes, repositories_are_those_of_the_files_of_apt)
{
    host_write("etc/apt/sources.list",
               "# none\ndeb [arch=amd64] http://a.example/debian trixie main contrib\n");
    host_write("etc/apt/sources.list.d/b.sources", "Types: deb\nURIs: http://b.example\nSuites: trixie\n"
                                                   "Components: main\nEnabled: no\n\n# a remark\n");
    const json_t *reply = get("/nodes/" NODE "/apt/repositories", NULL);
    is_json(member(reply, "errors"), "[]");
    is_json(member(reply, "files"),
            "[{'path':'/etc/apt/sources.list','file-type':'list','repositories':[{'Enabled':1,"
            "'FileType':'list','Types':['deb'],'URIs':['http://a.example/debian'],'Suites':['trixie'],"
            "'Components':['main','contrib']}]},"
            "{'path':'/etc/apt/sources.list.d/b.sources','file-type':'sources','repositories':[{'Enabled':0,"
            "'FileType':'sources','Types':['deb'],'URIs':['http://b.example'],'Suites':['trixie'],"
            "'Components':['main']}]}]");
}

#define LOG                                                                                                  \
    "6,1,0,-;Linux version 6.1.0\n6,2,9,-;DMAR: IOMMU enabled\n SUBSYSTEM=pci\n3,3,99,-;vfio-pci: no\n"

/* A page with the number of all. */
DAEMON_TEST(nodes, syslog_is_what_the_kernel_logged)
{
    host_write("dev/kmsg", LOG);
    const struct reply *reply = CALL(.method = "GET", .path = "/nodes/" NODE "/syslog?start=1&limit=1");
    autojson json_t *body = json_loads(reply->body, 0, NULL);
    is_json(body, "{'data': [{'n': 2, 't': 'DMAR: IOMMU enabled'}], 'total': 3}");
    cr_assert_eq(json_array_size(get("/nodes/" NODE "/syslog", "limit", "0", NULL)), 3);
    is_json(get("/nodes/" NODE "/syslog", "start", "3", NULL), "[]");
    account_create("ann@pve", NULL);
    account_grant("/nodes/" NODE, "PVEAuditor", "users", "ann@pve");
    account_enter("ann@pve");
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Syslog)", "GET", "/nodes/" NODE "/syslog",
          NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Syslog)", "GET", "/nodes/" NODE "/journal",
          NULL);
}

/* "array of strings, first and last are cursors": with them one reads on, or back. */
DAEMON_TEST(nodes, journal_is_read_from_cursor_to_cursor)
{
    host_write("dev/kmsg", LOG);
    is_json(get("/nodes/" NODE "/journal", "lastentries", "1", NULL), "['line=2','vfio-pci: no','line=2']");
    is_json(get("/nodes/" NODE "/journal", "endcursor", "line=2", NULL),
            "['line=0','Linux version 6.1.0','DMAR: IOMMU enabled','line=1']");
    is_json(get("/nodes/" NODE "/journal", "startcursor", "line=0", "endcursor", "line=2", NULL),
            "['line=1','DMAR: IOMMU enabled','line=1']");
    is_json(get("/nodes/" NODE "/journal", "startcursor", "line=2", NULL), "['line=2','line=2']");
    host_write("dev/kmsg", LOG "6,4,100,-;vfio-pci: yes\n");
    is_json(get("/nodes/" NODE "/journal", "startcursor", "line=2", NULL),
            "['line=3','vfio-pci: yes','line=3']");
    host_remove("dev/kmsg");
    fails(500, "the kernel's log cannot be read: /dev/kmsg: absent", "GET", "/nodes/" NODE "/journal", NULL);
}

DAEMON_TEST(nodes, network_lists_the_bridges_that_one_may_use)
{
    host_write("sys/class/net/vmbr0/operstate", "up\n");
    host_write("sys/class/net/vmbr0/brif/enp5s0/port_no", "0x1\n");
    host_write("sys/class/net/vmbr1/brif/.keep", "");
    const json_t *list = get("/nodes/" NODE "/network", "type", "any_bridge", NULL);
    cr_assert_eq(json_array_size(list), 2, "interfaces that are no bridges are left out");
    is_json(row(list, "iface", "vmbr0"),
            "{'iface': 'vmbr0', 'type': 'bridge', 'active': 1, 'exists': 1, 'method': 'manual',"
            " 'method6': 'manual', 'priority': 1, 'bridge_ports': 'enp5s0'}");
    cr_assert_not(has(row(list, "iface", "vmbr1"), "active"));
    is_json(get("/nodes/" NODE "/network", "type", "bond", NULL), "[]");
    account_create("ann@pve", NULL);
    account_grant("/sdn/zones/localnetwork/vmbr1", "PVESDNUser", "users", "ann@pve");
    account_enter("ann@pve");
    cr_assert_eq(json_array_size(get("/nodes/" NODE "/network", NULL)), 1);
}

/* What the window for a new VM lists. */
DAEMON_TEST(nodes, capabilities_are_those_of_the_qemu_that_is_installed)
{
    if (access(QEMU_BINARY, X_OK) != 0)
        cr_skip_test(QEMU_BINARY " is not installed");
    const json_t *machines = get("/nodes/localhost/capabilities/qemu/machines", NULL);
    const json_t *cpus = get("/nodes/localhost/capabilities/qemu/cpu", NULL);
    const char *newest = text_of(json_array_get(machines, 0), "version");
    size_t i;
    json_t *machine;
    json_array_foreach(machines, i, machine)
        cr_assert_geq(strverscmp(newest, text_of(machine, "version")), 0);
    cr_assert_str_eq(text_of(row(machines, "id", "pc-q35-6.2"), "type"), "q35");
    is_json(row(cpus, "name", "x86-64-v2-AES"),
            "{'name': 'x86-64-v2-AES', 'vendor': 'default', 'custom': 0}");
    cr_assert_str_eq(text_of(row(cpus, "name", "EPYC"), "vendor"), "AuthenticAMD");
    is_json(get("/nodes/localhost/capabilities/qemu/cpu", "arch", "aarch64", NULL), "[]");
}

DAEMON_TEST(nodes, every_flag_of_the_list_can_be_set)
{
    const json_t *flags = get("/nodes/localhost/capabilities/qemu/cpu-flags", NULL);
    size_t i;
    json_t *flag;

    cr_assert_eq(json_array_size(flags), 13);
    json_array_foreach(flags, i, flag) {
        autofree char *id = xasprintf("%zu", 100 + i);
        autofree char *cpu = xasprintf("cputype=host,flags=+%s", text_of(flag, "name"));
        post("/nodes/" NODE "/qemu", "vmid", id, "cpu", cpu, NULL);
    }
}
