/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network card is divided through the API: tests/lab/topology/sriov after tests/lab/setup-sriov. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define PCI   "/nodes/" NODE "/hardware/pci"
#define CARD  "0000:01:00.0"
#define FIRST "0000:01:10.0" /* its virtual functions */
#define NEXT  "0000:01:10.2"

TestSuite(lab_divide, .init = lab_start, .timeout = 600);

static const json_t *vf(unsigned index)
{
    return json_array_get(member(get(PCI "/" CARD "/sriov", NULL), "vfs"), index);
}

static char *begin(const char *count, const char *name, const char *value)
{
    return xstrdup(json_string_value(put(PCI "/" CARD "/sriov", "numvfs", count, name, value, NULL)));
}

static void set(const char *count, const char *name, const char *value)
{
    autofree char *upid = begin(count, name, value);

    task_succeeds(upid);
}

static void fails_with(const char *count, const char *text)
{
    autofree char *upid = begin(count, NULL, NULL);

    task_fails(upid, text);
}

LAB_TEST(lab_divide, virtual_functions_stay_free_and_have_their_settings)
{
    autofree char *card = machine_entry(CARD, "net");

    RUN("ip", "link", "set", card, "up"); /* or its driver knows no rates */
    autofree char *state =
        xasprintf("for i in $(seq 100); do ip link show %s | grep -q LOWER_UP && exit; sleep .1; done; "
                  "exit 1",
                  card);
    RUN("sh", "-c", state);
    set("3", "vf0", "mac=52:54:00:00:02:07,vlan=10,qos=3,spoofchk=0,trust=1,max-tx-rate=100");
    const json_t *settings = member(vf(0), "settings");
    cr_expect_str_eq(text_of(settings, "mac"), "52:54:00:00:02:07");
    cr_expect_eq(number_of(settings, "vlan"), 10);
    cr_expect_eq(number_of(settings, "qos"), 3);
    cr_expect_eq(number_of(settings, "spoofchk"), 0);
    cr_expect_eq(number_of(settings, "trust"), 1);
    autofree char *shown = xasprintf("ip link show %s | grep 'vf 0 .*52:54:00:00:02:07.* vlan 10, qos 3.*"
                                     "spoof checking off.*trust on'",
                                     card);
    RUN("sh", "-c", shown);
    cr_expect_str_eq(machine_driver(FIRST), "");
    cr_expect_str_eq(machine_driver(NEXT), "");

    autofree char *mac = xstrdup(text_of(member(vf(1), "settings"), "mac"));
    set("0", NULL, NULL);
    set("2", NULL, NULL);
    cr_expect_str_eq(text_of(member(vf(1), "settings"), "mac"), mac, "it stays the same");
    set("0", NULL, NULL);
    RUN("ip", "link", "set", card, "down");
}

LAB_TEST(lab_divide, what_the_kernel_refuses_is_explained_and_undone)
{
    set("2", NULL, NULL);
    autofree char *upid = begin("2", "vf1", "link-state=disable");
    task_fails(upid, "cannot do that; leave this setting out");
    MOVE(FIRST, "vfio-pci");
    set("1", NULL, NULL); /* nobody holds it */
    MOVE(FIRST, "igbvf");
    autofree char *first = machine_entry(FIRST, "net");
    RUN("ip", "address", "add", "192.0.2.9/24", "dev", first);
    RUN("ip", "link", "set", first, "up");
    fails_with("2", "what the host uses is not removed");
    RUN("ip", "link", "set", first, "down");
    RUN("ip", "address", "flush", "dev", first);
    set("0", NULL, NULL);
    MOVE(CARD, "vfio-pci");
    fails_with("1", "enable_sriov=1");
    MOVE(CARD, "restore");
    cr_expect_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "now"), 0);
}

/* What makes them again may still be at work. */
static void forget(void)
{
    for (;;) {
        autofree char *upid = begin("0", "persistent", "0"), *end = task_end(upid);
        if (strcmp(end, "OK") == 0)
            return;
        contains(end, "is being changed by another operation");
        machine_sleep(200);
    }
}

/* Unbinding the card's driver removes the virtual functions; they come again with it. */
LAB_TEST(lab_divide, what_is_kept_comes_again_with_the_driver)
{
    double end;

    set("2", "persistent", "1");
    MOVE(CARD, "none");
    machine_wait(FIRST, false);
    MOVE(CARD, "restore");
    end = machine_slept() + 60;
    while (number_of(get(PCI "/" CARD "/sriov", NULL), "now") != 2) {
        cr_assert_lt(machine_slept(), end, "the virtual functions do not come again");
        machine_sleep(200);
    }
    forget();
    machine_wait(FIRST, false);
}
