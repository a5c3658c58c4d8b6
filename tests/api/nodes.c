/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes and /cluster: this node, by itself. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
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
    member(status, "idle");
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
    is_json(get("/cluster/resources", "type", "storage", NULL), "[]");
    wrong_parameter("type", "value 'disk' does not have a value in the enumeration 'vm, storage, node, sdn'",
                    "GET", "/cluster/resources", "type", "disk", NULL);
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
