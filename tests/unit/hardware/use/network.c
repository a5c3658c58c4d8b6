/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions have network interfaces that the host uses: addresses, routes, and what lies above. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/hardware/use/fixture.h"

#define FIRST  "pci0000:00/0000:00:01.0/0000:01:00.0"
#define SECOND "pci0000:00/0000:00:01.1/0000:02:00.0"
#define ROUTES "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
#define UP     "0x1003\n"
#define DOWN   "0x1002\n"

static void add_interface(const struct tree *tree, const char *name, const char *where, const char *flags,
                          const char *state)
{
    autofree char *flags_file = xasprintf("sys/devices/%s/%s/flags", where, name);
    autofree char *state_file = xasprintf("sys/devices/%s/%s/operstate", where, name);

    host_add(tree, "net", name, where);
    tree_write(tree, flags_file, flags);
    tree_write(tree, state_file, state);
}

static void put_below(const struct tree *tree, const char *folder, const char *upper)
{
    autofree char *link = xasprintf("sys/devices/%s/upper_%s", folder, upper);

    tree_link(tree, link, "anywhere");
}

static void put_master(const struct tree *tree, const char *folder, const char *master, const char *sign)
{
    autofree char *link = xasprintf("sys/devices/%s/master", folder);
    autofree char *target = xasprintf("../../%s", master);
    autofree char *file = xasprintf("sys/devices/%s/%s/state", folder, sign);

    tree_link(tree, link, target);
    put_below(tree, folder, master);
    tree_write(tree, file, "3\n");
}

Test(use_network, an_interface_that_is_down_is_idle)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", DOWN, "down\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "idle network eth0: interface eth0 is down, without addresses and routes [/sys/class/net/eth0/flags: "
        "down]\n");
}

Test(use_network, an_interface_that_is_up_without_an_address_is_idle)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "down\n");
    tree_write(&tree, "proc/net/if_inet6", "fe8000000000000000fc00fffe000001 02 40 20 80     eth0\n");
    expect_uses(&tree, "0000:01:00.0",
                "idle network eth0: interface eth0 is up without carrier, without addresses and routes "
                "[/sys/class/net/eth0/operstate: up]\n");
}

Test(use_network, the_default_route_is_active)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/virtio2/net", UP, "up\n");
    tree_write(&tree, "proc/net/route",
               ROUTES "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0       \n"
                      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0       \n"
                      "eth0\t0000000A\t020200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0       \n");
    tree_write(&tree, "proc/net/fib_trie",
               "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
               "     +-- 127.0.0.0/8 2 0 2\n           |-- 127.0.0.1\n              /32 host LOCAL\n"
               "           |-- 192.0.2.0\n              /24 link UNICAST\n"
               "           |-- 192.0.2.2\n              /32 host LOCAL\nLocal:\n"
               "           |-- 192.0.2.2\n              /32 host LOCAL\n"
               "        |-- 192.0.2.255\n           /32 link BROADCAST\n");
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, carries the default route (192.0.2.1), address "
                "192.0.2.2, "
                "1 more route [/proc/net/route: eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0]\n");
}

Test(use_network, an_address_alone_is_active_and_belongs_to_the_narrowest_network)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    add_interface(&tree, "eth1", SECOND "/net", UP, "up\n");
    tree_write(&tree, "proc/net/route",
               ROUTES "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
                      "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n");
    tree_write(&tree, "proc/net/fib_trie",
               "Main:\n  |-- 10.0.7.1\n    /32 host LOCAL\n  |-- 10.1.0.1\n"
               "    /32 host LOCAL\n");
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, address 10.1.0.1 "
                "[/proc/net/fib_trie: 10.1.0.1 /32 host LOCAL]\n");
    expect_uses(&tree, "0000:02:00.0",
                "active network eth1: interface eth1 is up, address 10.0.7.1 "
                "[/proc/net/fib_trie: 10.0.7.1 /32 host LOCAL]\n");
}

Test(use_network, reads_addresses_and_the_default_route_of_ip_6)
{
    autotree struct tree tree;
    const char *any = "00000000000000000000000000000000";

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    add_interface(&tree, "eth1", SECOND "/net", UP, "up\n");
    tree_write(&tree, "proc/net/if_inet6", "20010db8000000000000000000000002 02 40 00 80     eth0\n");
    autofree char *routes =
        xasprintf("%s 00 %s 00 fe800000000000000000000000000001 00000400 00000001 00000000 "
                  "00000003     eth1\n%s 00 %s 00 %s ffffffff 00000001 00000000 00200200 eth0\n",
                  any, any, any, any, any);
    tree_write(&tree, "proc/net/ipv6_route", routes);
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, address 2001:db8::2 "
                "[/proc/net/if_inet6: 20010db8000000000000000000000002 02 40 00 80 eth0]\n");
    expect_uses(
        &tree, "0000:02:00.0",
        "active network eth1: interface eth1 is up, carries the default route (fe80::1) "
        "[/proc/net/ipv6_route: 00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth1]\n");
}

Test(use_network, a_port_of_a_bridge_carries_what_the_bridge_has)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    put_master(&tree, FIRST "/net/eth0", "vmbr0", "brport");
    add_interface(&tree, "vmbr0", "virtual/net", UP, "up\n");
    tree_write(&tree, "proc/net/route",
               ROUTES "vmbr0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "active network eth0: interface eth0 is up, carries the default route (192.0.2.1) of vmbr0, port of "
        "bridge vmbr0 [/proc/net/route: vmbr0 00000000 010200C0 0003 0 0 0 00000000 0 0 0]\n");
}

Test(use_network, follows_a_bond_and_the_vlan_above_it)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    put_master(&tree, FIRST "/net/eth0", "bond0", "bonding_slave");
    add_interface(&tree, "bond0", "virtual/net", UP, "up\n");
    put_below(&tree, "virtual/net/bond0", "bond0.7");
    add_interface(&tree, "bond0.7", "virtual/net", UP, "up\n");
    tree_write(&tree, "proc/net/if_inet6", "fd000000000000000000000000000007 04 40 00 82     bond0.7\n");
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, address fd00::7, part of bond bond0 "
                "[/proc/net/if_inet6: fd000000000000000000000000000007 04 40 00 82 bond0.7]\n");
}

Test(use_network, an_interface_above_counts_while_this_one_is_up)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    put_below(&tree, FIRST "/net/eth0", "macvtap0");
    put_below(&tree, FIRST "/net/eth0", "eth0.5");
    add_interface(&tree, "eth1", SECOND "/net", DOWN, "down\n");
    put_master(&tree, SECOND "/net/eth1", "br0", "brport");
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, below eth0.5, below macvtap0 "
                "[/sys/class/net/eth0/upper_*]\n");
    expect_uses(&tree, "0000:02:00.0",
                "idle network eth1: interface eth1 is down, port of bridge br0, without "
                "addresses and routes [/sys/class/net/eth1/upper_*]\n");
}

Test(use_network, interfaces_above_each_other_in_a_ring_end)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", UP, "up\n");
    add_interface(&tree, "a", "virtual/net", UP, "up\n");
    put_below(&tree, FIRST "/net/eth0", "a");
    put_below(&tree, "virtual/net/a", "eth0");
    expect_uses(&tree, "0000:01:00.0",
                "active network eth0: interface eth0 is up, below a [/sys/class/net/eth0/upper_*]\n");
}

Test(use_network, an_rdma_device_is_active_when_a_program_has_it_open)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add(&tree, "infiniband", "mlx5_0", FIRST "/infiniband");
    tree_write(&tree, "sys/devices/" FIRST "/infiniband/mlx5_0/ports/1/state", "4: ACTIVE\n");
    host_add(&tree, "infiniband_verbs", "uverbs0", FIRST "/infiniband_verbs");
    host_open(&tree, 88, "ibv_rc_pingpong\n", "/dev/infiniband/uverbs0");
    expect_uses(&tree, "0000:01:00.0",
                "active network uverbs0: RDMA device uverbs0 is open in ibv_rc_pingpong (pid 88) "
                "[/proc/88/fd: /dev/infiniband/uverbs0]\n"
                "idle network mlx5_0: RDMA device mlx5_0, port 1 is in state 4: ACTIVE "
                "[/sys/class/infiniband/mlx5_0/ports/1/state: 4: ACTIVE]\n");
}

Test(use_network, survives_nonsense)
{
    autotree struct tree tree;

    host_make(&tree);
    add_interface(&tree, "eth0", FIRST "/net", "nothing\n", "\n");
    tree_write(&tree, "proc/net/route", "\neth0\neth0\tx\ty\tz\nabsent\t0\t0\t3\t0\t0\t0\t0\n");
    tree_write(&tree, "proc/net/fib_trie", "/32 host LOCAL\n|-- 1.2.3\n/32 host LOCAL\n|-- ");
    tree_write(&tree, "proc/net/ipv6_route", "1 2 3 4 5 6 7 8 9 eth0\n\n");
    tree_write(&tree, "proc/net/if_inet6",
               "zz000000000000000000000000000007 04 40 00 82 eth0\nfd00 1 1 1 1 eth0\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "idle network eth0: interface eth0 is down, without addresses and routes [/sys/class/net/eth0/flags: "
        "down]\n");
}
