/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that are divided, and groups that hold several devices: tests/lab/topology/sriov after
 * tests/lab/setup-sriov. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/nvme.h"
#include "tests/api/look.h"

#define PCI         "/nodes/" NODE "/hardware/pci"

#define CARD        "0000:01:00.0"
#define CARD_FIRST  "0000:01:10.0" /* its virtual functions */
#define CARD_NEXT   "0000:01:10.2"
#define PEER        "0000:02:00.0"
#define DRIVE       "0000:03:00.0"
#define DRIVE_FIRST "0000:03:00.1"
#define LEFT        "0000:04:00.0" /* behind ports without ACS, in one slot */
#define RIGHT       "0000:05:00.0"
#define SWITCH_PORT "0000:07:00.0" /* without ACS */
#define SWITCHED    "0000:08:00.0"

#define ARP_IGNORE  "/proc/sys/net/ipv4/conf/all/arp_ignore"

TestSuite(lab_sriov, .init = lab_start, .timeout = 600);

static const json_t *status_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return get(path, NULL);
}

static long long group_of(const char *id)
{
    return number_of(row(get(PCI, "pci-class-blacklist", "", NULL), "id", id), "iommugroup");
}

static bool reads(const char *id, const char *attribute, const char *value)
{
    char now[64];

    return machine_read(id, attribute, now, sizeof(now)) && strcmp(now, value) == 0;
}

LAB_TEST(lab_sriov, network_card_has_seven_virtual_functions_each_in_a_group_of_its_own)
{
    const json_t *sriov = member(status_of(CARD), "sriov");

    cr_expect_eq(number_of(sriov, "totalvfs"), 7);
    cr_expect_eq(number_of(sriov, "numvfs"), 0);
    machine_set(CARD, "sriov_numvfs", "2");
    machine_wait_driver(CARD_FIRST, "igbvf");
    machine_wait_driver(CARD_NEXT, "igbvf");
    const json_t *list = get(PCI, "pci-class-blacklist", "", NULL);
    is_json(member(row(list, "id", CARD), "virtfns"),
            "{'virtfn0':'" CARD_FIRST "','virtfn1':'" CARD_NEXT "'}");
    cr_expect_str_eq(text_of(row(list, "id", CARD_NEXT), "physfn"), CARD);
    cr_expect_neq(group_of(CARD_FIRST), group_of(CARD));
    cr_expect_neq(group_of(CARD_FIRST), group_of(CARD_NEXT));
    cr_expect_str_eq(text_of(status_of(CARD_FIRST), "verdict"), "possible");
    MOVE(CARD_FIRST, "vfio-pci");
    cr_expect_str_eq(text_of(status_of(CARD_FIRST), "verdict"), "ready");
    MOVE(CARD_FIRST, "restore");
    machine_set(CARD, "sriov_numvfs", "0");
    machine_wait(CARD_FIRST, false);
}

/* The virtual function has the address that the physical one's driver gave it, and the peer hears it. */
LAB_TEST(lab_sriov, network_card_gives_its_virtual_function_an_address_and_the_wire)
{
    static const char mac[] = "52:54:00:00:02:01";

    machine_set(CARD, "sriov_numvfs", "1");
    machine_wait_driver(CARD_FIRST, "igbvf");
    autofree char *card = machine_entry(CARD, "net"), *peer = machine_entry(PEER, "net");
    RUN("ip", "link", "set", card, "up"); /* or its driver does not answer the virtual function's */
    RUN("ip", "link", "set", card, "vf", "0", "mac", mac);
    machine_set(CARD_FIRST, "driver/unbind", CARD_FIRST);
    machine_write("/sys/bus/pci/drivers_probe", CARD_FIRST);
    autofree char *first = machine_entry(CARD_FIRST, "net"), *attribute = xasprintf("net/%s/address", first);
    cr_expect(reads(CARD_FIRST, attribute, mac));

    machine_write(ARP_IGNORE, "1"); /* or the card answers for its peer */
    RUN("ip", "address", "add", "192.0.2.2/24", "dev", peer);
    RUN("ip", "link", "set", peer, "up");
    RUN("ip", "link", "set", first, "up");
    /* fails if somebody has the address */
    autofree char *ask = xasprintf("! busybox arping -D -c 20 -w 20 -I %s 192.0.2.2", first);
    RUN("sh", "-c", ask);
    RUN("ip", "address", "flush", "dev", peer);
    machine_write(ARP_IGNORE, "0");
    RUN("ip", "link", "set", peer, "down");
    RUN("ip", "link", "set", card, "down");
    machine_set(CARD, "sriov_numvfs", "0");
}

/* Its driver would bind it at once, find no queues, and give up. */
LAB_TEST(lab_sriov, drive_has_a_virtual_function_that_carries_it)
{
    machine_set(DRIVE, "sriov_drivers_autoprobe", "0");
    machine_set(DRIVE, "sriov_numvfs", "1");
    machine_set(DRIVE, "sriov_drivers_autoprobe", "1");
    nvme_bring_online(DRIVE, 1);
    machine_write("/sys/bus/pci/drivers_probe", DRIVE_FIRST);
    autofree char *name = machine_entry(DRIVE_FIRST, "nvme"), *state = xasprintf("nvme/%s/state", name);
    double end = machine_slept() + 60;
    while (!reads(DRIVE_FIRST, state, "live")) {
        cr_assert_lt(machine_slept(), end, "%s is not live", name);
        machine_sleep(100);
    }
    MOVE(DRIVE_FIRST, "vfio-pci");
    MOVE(DRIVE_FIRST, "restore");
    cr_expect_str_eq(machine_driver(DRIVE_FIRST), "nvme");
    machine_set(DRIVE, "sriov_numvfs", "0");
}

static void divide_drive(const char *count, const char *autoprobe)
{
    autofree char *upid = xstrdup(
        json_string_value(put(PCI "/" DRIVE "/sriov", "numvfs", count, "autoprobe", autoprobe, NULL)));

    task_succeeds(upid);
}

/* The API hands out the drive's queues and interrupts, and then lets the driver take them. */
LAB_TEST(lab_sriov, drive_is_divided_and_the_host_uses_a_part_of_it)
{
    divide_drive("2", "1");
    machine_wait_driver(DRIVE_FIRST, "nvme");
    autofree char *name = machine_entry(DRIVE_FIRST, "nvme"), *state = xasprintf("nvme/%s/state", name);
    double end = machine_slept() + 60;
    while (!reads(DRIVE_FIRST, state, "live")) {
        cr_assert_lt(machine_slept(), end, "%s is not live", name);
        machine_sleep(100);
    }
    divide_drive("0", "1");
    machine_wait(DRIVE_FIRST, false);
}

static char *begin_dividing(const char *first)
{
    return xstrdup(json_string_value(put(PCI "/" DRIVE "/sriov", "numvfs", "2", "vf0", first, NULL)));
}

static void expect_share(size_t vf, const char *settings)
{
    const json_t *share = json_array_get(member(get(PCI "/" DRIVE "/sriov", NULL), "vfs"), vf);

    cr_expect_eq(number_of(share, "online"), 1);
    is_json(member(share, "settings"), settings);
}

/* The second one gets what is left of 8 queues and 4 interrupts; what the drive has is read back from it. */
LAB_TEST(lab_sriov, drive_is_divided_as_asked_for)
{
    autofree char *upid = begin_dividing("queues=5,interrupts=1");
    task_succeeds(upid);
    expect_share(0, "{'queues':5,'interrupts':1}");
    expect_share(1, "{'queues':3,'interrupts':3}");
    autofree char *again = begin_dividing("queues=5,interrupts=1");
    task_succeeds(again);
    autofree char *other = begin_dividing("queues=4");
    task_fails(other,
               "vf0: queues is 5, and is changed only when the virtual functions of " DRIVE " are made");
    machine_write("/sys/bus/pci/drivers_probe", DRIVE_FIRST);
    MOVE(DRIVE_FIRST, "vfio-pci");
    MOVE(DRIVE_FIRST, "restore");
    divide_drive("0", "1");
    machine_wait(DRIVE_FIRST, false);
    autofree char *much = begin_dividing("queues=9");
    task_fails(much, "more queues than one virtual function of this drive can have");
    machine_wait(DRIVE_FIRST, false);
}

/* The node of a drive that gets its driver again is a new one, which the broker may open once it is
 * restarted. */
LAB_TEST(lab_sriov, drive_that_is_kept_divided_says_that_the_broker_is_to_be_restarted)
{
    autofree char *upid =
        xstrdup(json_string_value(put(PCI "/" DRIVE "/sriov", "numvfs", "2", "persistent", "1", NULL)));
    task_succeeds(upid);
    machine_set(DRIVE, "sriov_numvfs", "0");
    MOVE(DRIVE, "none");
    MOVE(DRIVE, "restore");
    lab_broker_becomes_idle();
    contains(text_of(get(PCI "/" DRIVE "/sriov", NULL), "kept-waits"),
             "restart the broker (systemctl restart hostpci-broker)");
    cr_expect_eq(number_of(get(PCI "/" DRIVE "/sriov", NULL), "now"), 0);
    lab_broker_kill();
    lab_broker_start(0);
    lab_broker_becomes_idle();
    expect_share(0, "{'queues':4,'interrupts':2}");
    autofree char *forget =
        xstrdup(json_string_value(put(PCI "/" DRIVE "/sriov", "numvfs", "0", "persistent", "0", NULL)));
    task_succeeds(forget);
    machine_wait(DRIVE_FIRST, false);
}

LAB_TEST(lab_sriov, cards_behind_ports_without_acs_go_together)
{
    const json_t *status = status_of(LEFT);

    cr_expect_eq(group_of(LEFT), group_of(RIGHT));
    cr_expect_str_eq(text_of(status, "verdict"), "possible");
    contains(text_of(row(member(status, "checks"), "id", "group-shared"), "message"), RIGHT);
    is_json(member(status, "detaches"),
            "[{'id':'" LEFT "','driver':'e1000e'},{'id':'" RIGHT "','driver':'e1000e'}]");
    MOVE(LEFT, "vfio-pci", .scope = "group");
    cr_expect_str_eq(machine_driver(RIGHT), "vfio-pci");
    MOVE(LEFT, "restore", .scope = "group");
    cr_expect_str_eq(machine_driver(RIGHT), "e1000e");
}

LAB_TEST(lab_sriov, card_that_shares_its_group_with_bridges_alone_goes_alone)
{
    const json_t *status = status_of(SWITCHED);

    cr_expect_eq(group_of(SWITCHED), group_of(SWITCH_PORT));
    cr_expect_neq(group_of(SWITCHED), group_of(LEFT));
    is_json(member(status, "detaches"), "[{'id':'" SWITCHED "','driver':'e1000e'}]");
    cr_expect_str_eq(text_of(row(member(status, "checks"), "id", "group-shared"), "severity"), "ok");
    MOVE(SWITCHED, "vfio-pci");
    cr_expect_str_eq(machine_driver(SWITCH_PORT), "pcieport");
    MOVE(SWITCHED, "restore");
}
