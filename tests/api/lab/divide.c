/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network card is divided through the API: tests/lab/topology/sriov after tests/lab/setup-sriov. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
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

/* Each in the words of its own documentation. */
static const struct {
    const char *file, *text;
} owners[] = {
    {"/etc/sysfs.d/vfs.conf", "bus/pci/devices/" CARD "/sriov_numvfs = 3\n"},
    {"/etc/systemd/network/10-vfs.link", "[Match]\nPath=pci-" CARD "\n\n[SR-IOV]\nVirtualFunction=0\n"},
    {"/etc/NetworkManager/system-connections/vfs.nmconnection",
     "[match]\npath=pci-" CARD "\n\n[sriov]\ntotal-vfs=3\n"},
    {"/etc/udev/rules.d/99-vfs.rules", "KERNEL==\"" CARD "\", ATTR{sriov_numvfs}=\"3\"\n"},
    {"/etc/modprobe.d/vfs.conf", "options igb max_vfs=3\n"},
    {"/etc/rc.local", "#!/bin/sh\necho 3 > /sys/bus/pci/devices/" CARD "/sriov_numvfs\n"},
    {"/etc/systemd/system/vfs.service",
     "[Service]\nExecStart=/bin/sh -c 'echo 3 > /sys/bus/pci/devices/" CARD "/sriov_numvfs'\n"},
};

/* The broker sees the host's files through its own mounts. */
LAB_TEST(lab_divide, what_somebody_else_sets_at_boot_is_not_kept)
{
    RUN("mkdir", "-p", "/etc/sysfs.d", "/etc/systemd/network", "/etc/systemd/system", "/etc/udev/rules.d",
        "/etc/modprobe.d", "/etc/NetworkManager/system-connections");
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        struct error err;
        cr_assert_eq(file_replace(owners[i].file, owners[i].text, strlen(owners[i].text), 0644, &err), 0,
                     "%s", err.message);
        autofree char *upid = begin("2", "persistent", "1");
        task_fails(upid, owners[i].file);
        const json_t *owner = json_array_get(member(get(PCI "/" CARD "/status", NULL), "owners"), 0);
        cr_expect_str_eq(text_of(owner, "file"), owners[i].file);
        cr_expect_str_eq(text_of(owner, "what"), "vfs");
        unlink(owners[i].file);
    }
    cr_expect_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "now"), 0);
}

static char *begin_taking_over(void)
{
    return xstrdup(json_string_value(
        put(PCI "/" CARD "/sriov", "numvfs", "2", "persistent", "1", "take-over", "1", NULL)));
}

/* The broker may write to the file only if it was there when the broker started. */
LAB_TEST(lab_divide, what_sysfs_conf_sets_is_taken_over)
{
    RUN("sh", "-c", "echo 'bus/pci/devices/" CARD "/sriov_numvfs = 2' > /etc/sysfs.conf");
    autofree char *early = begin_taking_over();
    task_fails(early, "restart it (systemctl restart hostpci-broker), and try again");
    lab_broker_kill();
    lab_broker_start(0);
    autofree char *upid = begin_taking_over();
    task_succeeds(upid);
    RUN("sh", "-c",
        "grep -qx '# kept by hostpci: bus/pci/devices/" CARD "/sriov_numvfs = 2' /etc/sysfs.conf");
    cr_expect_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "kept"), 2);
    forget();
    unlink("/etc/sysfs.conf");
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
