/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation sriov: a physical function gets and loses virtual functions. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/slice/nvme.h"
#include "tests/unit/broker/card.h"
#include "tests/unit/broker/drive.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define FIRST  "0000:03:10.0"
#define SECOND "0000:03:10.2"
#define THIRD  "0000:03:10.4"

static void make(struct testbed *testbed)
{
    testbed_make(testbed);
    kernel_add_sriov(
        NETWORK,
        &(struct kernel_sriov){
            .total = 7, .offset = 128, .stride = 2, .device = 0x10ca, .group = 40, .driver = "igbvf"});
}

#define SET(count)            "{'id': '" NETWORK "', 'numvfs': " #count "}"
#define SET_MORE(count, more) "{'id': '" NETWORK "', 'numvfs': " #count ", " more "}"

static void expect_vfs(unsigned count, bool autoprobe)
{
    cr_expect_eq(kernel_vfs(NETWORK), count, "it has %u, not %u", kernel_vfs(NETWORK), count);
    cr_expect_eq(kernel_autoprobe(NETWORK), autoprobe);
}

Test(broker_sriov, makes_virtual_functions_that_stay_free)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(3), "{'before': 0, 'numvfs': 3}");
    expect_vfs(3, false);
    expect_binding(THIRD, "", "");
    expect_log(&testbed, NETWORK ": has 3 virtual functions, had 0 (");
    testbed_do(&testbed, "sriov", SET(0), "{'before': 3, 'numvfs': 0}");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

Test(broker_sriov, gives_them_drivers_of_the_host_if_asked_to)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'autoprobe': 1"), "{'before': 0, 'numvfs': 2}");
    expect_vfs(2, true);
    expect_binding(SECOND, "igbvf", "");
    expect_log(&testbed, SECOND ": has igbvf");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, goes_from_one_count_to_another_through_none)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(3), "{'before': 0, 'numvfs': 3}");
    testbed_do(&testbed, "driver", "{'id': '" FIRST "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" FIRST "', 'before': '', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "sriov", SET(2), "{'before': 3, 'numvfs': 2}");
    expect_log(&testbed, FIRST " (vfio-pci): is removed; nothing is known to use it");
    expect_log(&testbed, NETWORK ": 2 virtual functions without a driver are removed");
    expect_vfs(2, false);
    expect_binding(FIRST, "", "");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, does_nothing_where_nothing_is_to_do)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    unsigned writes = kernel_count(SYSFS_WRITE);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 2, 'numvfs': 2}");
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "'}", "{'before': 2, 'numvfs': 2}");
    expect_log(&testbed, NETWORK ": keeps its 2 virtual functions");
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "', 'autoprobe': 1}", "{'before': 2, 'numvfs': 2}");
    expect_vfs(2, true);
}

Test(broker_sriov, refuses_while_one_is_in_use)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    kernel_put(SECOND, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/41");
    testbed_fail(&testbed, "sriov", SET(3),
                 "what the host uses is not removed: " SECOND " (vfio-pci): given to");
    testbed_fail(&testbed, "sriov", SET(0), "qemu-system-x86");
    expect_vfs(2, false);
    expect_binding(SECOND, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "sriov", SET(2), "{'before': 2, 'numvfs': 2}");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, refuses_what_cannot_be)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_fail(&testbed, "sriov", SET(8), "value 8 is too large: " NETWORK " can have 7 virtual functions");
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 1}", DISK " can have no virtual functions");
    testbed_fail(&testbed, "sriov", "{'id': '0000:77:00.0', 'numvfs': 1}",
                 "no PCI device found for '0000:77:00.0'");
    kernel_put_vfs(NETWORK, 1);
    testbed_fail(&testbed, "sriov", "{'id': '" FIRST "', 'numvfs': 1}",
                 FIRST " is a virtual function itself: only " NETWORK);
    expect_nothing_open(&testbed);
}

/* What the kernel's answers mean. */
Test(broker_sriov, says_what_the_kernel_means)
{
    static const struct {
        const char *driver;
        int error; /* of more than 2 virtual functions */
        const char *message;
    } cases[] = {
        {"e1000e", ENOMEM, "(ENOMEM): the firmware left no address space"},
        {"e1000e", ENOSPC, "(ENOSPC): the card's driver has no room for so many"},
        {"e1000e", ERANGE, "(ERANGE): that is more than the device or its driver allows"},
        {"e1000e", EPERM, "(EPERM): the driver does not allow that number"},
        {"e1000e", EINVAL, "(EINVAL): the driver does not allow that number"},
        {"e1000e", EBUSY, "(EBUSY): the driver refuses while it is busy"},
        {"e1000e", EIO, "(EIO): the device does not answer as it should"},
        {"e1000e", ENOENT, "(ENOENT): its driver cannot make virtual functions through sysfs"},
        {"", 0, "(ENOENT): only a driver makes virtual functions, and none is bound: choose driver=auto"},
        {"vfio-pci", 0,
         "(ENOENT): vfio-pci makes virtual functions only if it was loaded with enable_sriov=1"},
    };
    autotestbed struct testbed testbed;

    make(&testbed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        kernel_put(NETWORK, cases[i].driver, "");
        kernel_limit_vfs(NETWORK, 2, cases[i].error);
        testbed_fail(&testbed, "sriov", SET(3),
                     "cannot write '3' to /sys/bus/pci/devices/" NETWORK "/sriov_numvfs");
        testbed_fail(&testbed, "sriov", SET(3), cases[i].message);
        testbed_fail(&testbed, "sriov", SET(3), NETWORK " has 0 virtual functions as before");
        expect_vfs(0, true);
        expect_nothing_open_after(&testbed, cases[i].message);
    }
}

/* Virtual functions come back with the drivers that they had. */
Test(broker_sriov, brings_back_what_was_there)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    testbed_do(&testbed, "driver", "{'id': '" SECOND "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" SECOND "', 'before': '', 'driver': 'vfio-pci'}]}");
    kernel_limit_vfs(NETWORK, 2, ENOMEM);
    testbed_fail(&testbed, "sriov", SET(3), SECOND " is back with vfio-pci");
    expect_vfs(2, false);
    expect_binding(FIRST, "", "");
    expect_binding(SECOND, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}

static void make_drive(struct testbed *testbed)
{
    testbed_make_host(testbed);
    drive_play(testbed, DISK);
    testbed_start_broker(testbed);
    kernel_add_sriov(DISK, &(struct kernel_sriov){3, 1, 1, 0xa808, 50, "nvme"});
}

static void expect_shares(struct nvme_share first, struct nvme_share second)
{
    const struct nvme_share expected[] = {first, second};

    for (unsigned i = 0; i < 2; i++) {
        struct nvme_share share = drive_share(i);
        cr_expect(share.queues == expected[i].queues && share.interrupts == expected[i].interrupts &&
                      share.online,
                  "%u has %u, %u, online %d", i, share.queues, share.interrupts, (int)share.online);
    }
}

#define SHARE(count, more) ((struct nvme_share){.queues = (count), .interrupts = (more)})

Test(broker_sriov, sets_the_virtual_functions_of_a_drive_online_before_they_have_drivers)
{
    autotestbed struct testbed testbed;

    make_drive(&testbed);
    testbed_do(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 2, 'autoprobe': 1}",
               "{'before': 0, 'numvfs': 2}");
    expect_log(&testbed,
               DISK ": its virtual functions are online, with 3 queues and 1 interrupts from virtual "
                    "function 0 on (/dev/nvme0)");
    expect_shares(SHARE(3, 1), SHARE(3, 1));
    expect_binding("0000:02:00.1", "nvme", "");
    unsigned writes = kernel_count(SYSFS_WRITE);
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 3, 'vf0': 'queues=4'}",
                 "the drive has 7 queues to give away");
    cr_expect_eq(kernel_count(SYSFS_WRITE), writes, "those that there are were not removed for that");
    cr_assert_eq(kernel_vfs(DISK), 2);
    expect_shares(SHARE(3, 1), SHARE(3, 1));
    expect_nothing_open(&testbed);
}

Test(broker_sriov, tells_what_the_virtual_functions_of_a_drive_have)
{
    autotestbed struct testbed testbed;

    make_drive(&testbed);
    testbed_do(&testbed, "describe-vfs", "{'id': '" DISK "'}", "{'vfs': []}");
    testbed_do(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 2, 'vf0': 'queues=5,interrupts=2'}",
               "{'before': 0, 'numvfs': 2}");
    testbed_do(&testbed, "describe-vfs", "{'id': '" DISK "'}",
               "{'vfs': [{'online': 1, 'settings': {'queues': 5, 'interrupts': 2}},"
               " {'online': 1, 'settings': {'queues': 2, 'interrupts': 1}}]}");
    drive_put_share(1, (struct nvme_share){0});
    testbed_do(&testbed, "describe-vfs", "{'id': '" DISK "'}",
               "{'vfs': [{'online': 1, 'settings': {'queues': 5, 'interrupts': 2}}, {'online': 0}]}");
    testbed_fail(&testbed, "describe-vfs", "{'id': '" NETWORK "'}", NETWORK);
    expect_nothing_open(&testbed);
}

#define SHARES "'numvfs': 2, 'vf0': 'queues=5', 'vf1': 'queues=2,interrupts=2'"

/* They are kept with the count, and what failed leaves them as they were. */
Test(broker_sriov, gives_each_virtual_function_of_a_drive_what_is_asked_for)
{
    autotestbed struct testbed testbed;

    make_drive(&testbed);
    testbed_do(&testbed, "sriov", "{'id': '" DISK "', 'persistent': 1, " SHARES "}",
               "{'before': 0, 'numvfs': 2}");
    expect_shares(SHARE(5, 1), SHARE(2, 2));
    testbed_do(&testbed, "sriov", "{'id': '" DISK "', " SHARES "}", "{'before': 2, 'numvfs': 2}");
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 2, 'vf1': 'queues=3'}",
                 "vf1: queues is 2, and is changed only when the virtual functions of " DISK " are made");
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 3}", "names no controller");
    expect_shares(SHARE(5, 1), SHARE(2, 2));
    testbed_do(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 0}", "{'before': 2, 'numvfs': 0}");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    cr_assert_eq(kernel_vfs(DISK), 2);
    expect_shares(SHARE(5, 1), SHARE(2, 2));
    expect_nothing_open(&testbed);
}

Test(broker_sriov, refuses_settings_of_another_kind_of_device)
{
    autotestbed struct testbed testbed;

    make_drive(&testbed);
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 2, 'vf0': 'vlan=3'}",
                 DISK " (nvme) has no network interface: its virtual functions cannot have these settings");
    kernel_add_sriov(NETWORK, &(struct kernel_sriov){7, 128, 2, 0x10ca, 40, "igbvf"});
    testbed_fail(&testbed, "sriov", "{'id': '" NETWORK "', 'numvfs': 2, 'vf0': 'queues=3'}",
                 "is no NVMe drive: its virtual functions cannot have queues and interrupts");
    cr_expect_eq(kernel_vfs(DISK), 0);
    expect_nothing_open(&testbed);
}

static unsigned count_accesses(unsigned vfs, bool settings)
{
    autotestbed struct testbed testbed;
    autotext struct text arguments = {0};
    unsigned before = 0, after = 0;

    testbed_make_host(&testbed);
    card_play(&testbed, NETWORK);
    testbed_start_broker(&testbed);
    text_printf(&arguments, "{'id': '" NETWORK "', 'numvfs': %u", vfs);
    for (unsigned i = 0; settings && i < vfs; i++)
        text_printf(&arguments, ", 'vf%u': 'vlan=%u,trust=1'", i, i + 1);
    text_append(&arguments, "}");
    kernel_add_sriov(NETWORK, &(struct kernel_sriov){64, 128, 1, 0x10ca, 40, "igbvf"});
    for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++)
        before += kernel_count(kind);
    json_decref(testbed_ask(&testbed, "sriov", text_string(&arguments)));
    for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++)
        after += kernel_count(kind);
    cr_assert_eq(kernel_vfs(NETWORK), vfs);
    return after - before;
}

/* The kernel's own time apart, a virtual function costs what it is looked at: some links and files. */
#define MOST_ACCESSES 4
#define FOR_A_SETTING 2 /* the played card reads and writes all of them */
Test(broker_sriov, looks_at_each_virtual_function_a_few_times)
{
    for (unsigned settings = 0; settings < 2; settings++) {
        unsigned few = count_accesses(7, settings > 0), many = count_accesses(64, settings > 0);
        unsigned each = (many - few) / (64 - 7);
        /* its address, which it gets in any case; and a VLAN and trust */
        unsigned most = MOST_ACCESSES + FOR_A_SETTING * (settings > 0 ? 3 : 1);
        cr_log_info("%u accesses for 7 virtual functions, %u for 64: %u for each", few, many, each);
        cr_expect_leq(each, most, "%u accesses for 7 virtual functions, %u for 64: %u for each", few, many,
                      each);
    }
}

Test(broker_sriov, is_kept_and_made_again)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'persistent': 1"), "{'before': 0, 'numvfs': 2}");
    expect_log(&testbed, "gets its 2 virtual functions at each start of the host");
    testbed_do(&testbed, "sriov", SET(0), "{'before': 2, 'numvfs': 0}");
    expect_log(&testbed, "its persistent setting is still 2 virtual functions");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_vfs(2, false);
    testbed_do(&testbed, "sriov", SET_MORE(0, "'persistent': 0"), "{'before': 2, 'numvfs': 0}");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

static void make_network(struct testbed *testbed)
{
    testbed_make_host(testbed);
    card_play(testbed, NETWORK);
    testbed_start_broker(testbed);
    kernel_add_sriov(
        NETWORK,
        &(struct kernel_sriov){
            .total = 7, .offset = 128, .stride = 2, .device = 0x10ca, .group = 40, .driver = "igbvf"});
}

static void expect_setting(unsigned vf, const char *name, const char *value)
{
    autojson json_t *all = card_settings();
    autofree char *text = json_dumps(json_object_get(json_array_get(all, vf), name), JSON_ENCODE_ANY);

    cr_expect_str_eq(text != NULL ? text : "", value, "%s of virtual function %u is %s", name, vf,
                     text != NULL ? text : "missing");
}

static char *mac_of(unsigned vf)
{
    autojson json_t *all = card_settings();

    return xstrdup(json_string_value(json_object_get(json_array_get(all, vf), "mac")));
}

Test(broker_sriov, makes_settings_before_anybody_gets_the_function)
{
    autotestbed struct testbed testbed;

    make_network(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'vf1': 'mac=52:54:00:AA:00:01,vlan=10,trust=1'"),
               "{'before': 0, 'numvfs': 2}");
    expect_setting(1, "mac", "\"52:54:00:aa:00:01\"");
    expect_setting(1, "vlan", "10");
    expect_setting(1, "trust", "1");
    expect_setting(0, "vlan", "0");
    expect_log(&testbed, "settings of its virtual functions were made on eth3");
    testbed_do(&testbed, "sriov", SET_MORE(2, "'vf0': 'vlan=20'"), "{'before': 2, 'numvfs': 2}");
    expect_setting(0, "vlan", "20");
    expect_setting(1, "vlan", "10");
    expect_nothing_open(&testbed);
}

/* The kernel's own addresses are other ones after each boot. */
Test(broker_sriov, gives_addresses_that_stay_the_same)
{
    autotestbed struct testbed testbed;

    make_network(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    autofree char *first = mac_of(0), *second = mac_of(1);
    cr_assert_str_neq(first, "00:00:00:00:00:00");
    cr_assert_str_neq(first, second);
    cr_assert(strchr("26ae", first[1]) != NULL, "%s is not local, or not of one host", first);
    testbed_do(&testbed, "sriov", SET(0), "{'before': 2, 'numvfs': 0}");
    testbed_do(&testbed, "sriov", SET(1), "{'before': 0, 'numvfs': 1}");
    autofree char *again = mac_of(0);
    cr_assert_str_eq(again, first);
}

Test(broker_sriov, brings_settings_back_when_one_is_refused)
{
    autotestbed struct testbed testbed;

    card_refuse("trust");
    make_network(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'vf0': 'vlan=10'"), "{'before': 0, 'numvfs': 2}");
    testbed_fail(
        &testbed, "sriov", SET_MORE(2, "'vf0': 'vlan=11,trust=1'"),
        "cannot `ip link set eth3 vf 0 trust on`: Operation not supported (EOPNOTSUPP): the card's driver "
        "cannot do that; leave this setting out");
    expect_setting(0, "vlan", "10");
    testbed_fail(&testbed, "sriov", SET_MORE(1, "'vf0': 'trust=1'"),
                 NETWORK " has 2 virtual functions as before");
    expect_vfs(2, false);
    expect_setting(0, "vlan", "10");
    testbed_fail(&testbed, "sriov", SET_MORE(2, "'vf2': 'vlan=1'"),
                 "there is no virtual function 2: it has 2, from 0");
    testbed_fail(&testbed, "sriov", SET_MORE(2, "'vf0': 'vlan=4095'"), "vf0");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, notices_settings_that_had_no_effect)
{
    autotestbed struct testbed testbed;

    card_ignore("trust");
    make_network(&testbed);
    testbed_fail(&testbed, "sriov", SET_MORE(2, "'vf0': 'vlan=10', 'vf1': 'vlan=11,trust=1'"),
                 "the kernel took `ip link set eth3 vf 1 trust on`, but trust is 0 nevertheless");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

Test(broker_sriov, keeps_settings_with_the_count)
{
    autotestbed struct testbed testbed;

    make_network(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'persistent': 1, 'vf1': 'vlan=12'"),
               "{'before': 0, 'numvfs': 2}");
    testbed_stop_broker(&testbed, SIGTERM);
    kernel_put_vfs(NETWORK, 0);
    card_lose_settings();
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_vfs(2, false);
    expect_setting(1, "vlan", "12");
    expect_nothing_open(&testbed);
}

static char *set_all(unsigned count, unsigned vlan)
{
    autotext struct text arguments = {0};

    text_printf(&arguments, "{'id': '" NETWORK "', 'numvfs': %u, 'persistent': 1", count);
    for (unsigned i = 0; i < count; i++)
        text_printf(&arguments,
                    ", 'vf%u': 'mac=52:54:00:00:01:%02x,vlan=%u,qos=7,proto=802.1ad,min-tx-rate=100000,"
                    "max-tx-rate=1000000,trust=1,spoofchk=1,query-rss=1,link-state=disable'",
                    i, i, vlan);
    text_append(&arguments, "}");
    return xstrdup(text_string(&arguments));
}

/* What is to be undone then holds all settings twice. */
Test(broker_sriov, changes_as_many_as_there_can_be_with_all_settings)
{
    autotestbed struct testbed testbed;

    make_network(&testbed);
    kernel_add_sriov(
        NETWORK, &(struct kernel_sriov){
                     .total = 240, .offset = 768, .stride = 1, .device = 0x10ca, .group = 40, .driver = ""});
    autofree char *first = set_all(240, 4001), *second = set_all(239, 4002);
    testbed_do(&testbed, "sriov", first, "{'before': 0, 'numvfs': 240}");
    expect_setting(239, "vlan", "4001");
    testbed_do(&testbed, "sriov", second, "{'before': 240, 'numvfs': 239}");
    expect_setting(238, "vlan", "4002");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, settings_that_are_kept_are_made_again_after_a_reset)
{
    autotestbed struct testbed testbed;

    make_network(&testbed);
    tree_write(&testbed.tree, "sys/bus/pci/devices/" NETWORK "/reset_method", "flr\n");
    tree_write(&testbed.tree, "sys/bus/pci/devices/" NETWORK "/reset", "");
    testbed_do(&testbed, "sriov", SET_MORE(2, "'persistent': 1, 'vf1': 'vlan=12'"),
               "{'before': 0, 'numvfs': 2}");
    autofree char *mac = mac_of(0);
    card_lose_settings();
    expect_setting(1, "vlan", "0");
    json_decref(testbed_ask(&testbed, "reset", "{'id': '" NETWORK "', 'force': 1}"));
    expect_setting(1, "vlan", "12");
    autofree char *again = mac_of(0);
    cr_expect_str_eq(again, mac);
    expect_log(&testbed, "settings of its virtual functions were made on eth3");

    card_refuse("vlan");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    card_lose_settings();
    json_decref(testbed_ask(&testbed, "reset", "{'id': '" NETWORK "', 'force': 1}"));
    expect_log(&testbed, "its virtual functions are not as before: cannot");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, count_is_not_kept_where_somebody_else_sets_one)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", "bus/pci/devices/" NETWORK "/sriov_numvfs = 4\n");
    testbed_fail(&testbed, "sriov", SET_MORE(2, "'persistent': 1"), "line 1 of '/etc/sysfs.conf'");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    tree_delete(&testbed.tree, "etc/sysfs.conf");
    testbed_do(&testbed, "sriov", SET_MORE(3, "'persistent': 1"), "{'before': 2, 'numvfs': 3}");
}
