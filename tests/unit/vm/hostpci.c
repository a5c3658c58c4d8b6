/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostpciN and the guest's addresses. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "vm/address.h"
#include "vm/hostpci.h"

static void assert_refused(const char *value, const char *expected)
{
    autohostpci struct vm_hostpci hostpci = {0};
    struct error err;

    cr_assert_eq(vm_hostpci_parse(value, &hostpci, &err), -1, "%s", value);
    cr_expect_str_eq(err.message, expected, "%s: %s", value, err.message);
}

Test(vm_hostpci, the_domain_may_be_left_out_and_several_devices_make_one)
{
    autohostpci struct vm_hostpci hostpci = {0};
    struct error err;

    cr_assert_eq(vm_hostpci_parse("01:00;10000:02:00.1", &hostpci, &err), 0, "%s", err.message);
    cr_expect_str_eq(hostpci.hosts[0], "0000:01:00");
    cr_expect_str_eq(hostpci.hosts[1], "10000:02:00.1");
    cr_expect_null(hostpci.hosts[2]);
    cr_expect(hostpci.rombar && !hostpci.pcie && !hostpci.x_vga && !hostpci.keep_driver && !hostpci.reattach);
}

Test(vm_hostpci, every_key_is_read)
{
    autohostpci struct vm_hostpci hostpci = {0};
    struct error err;

    cr_assert_eq(vm_hostpci_parse(
                     "mapping=gpu,pcie=1,rombar=off,x-vga=on,romfile=a/b.rom,mdev=nvidia-63,vendor-id=0x10de,"
                     "device-id=0x1,driver=keep",
                     &hostpci, &err),
                 -1, "an id has four digits");
    cr_assert_eq(vm_hostpci_parse(
                     "mapping=gpu,pcie=1,rombar=off,x-vga=on,romfile=a/b.rom,mdev=nvidia-63,vendor-id=0x10de,"
                     "device-id=0x2231,sub-vendor-id=0x10de,sub-device-id=0x1459,driver=keep,reattach=1",
                     &hostpci, &err),
                 0, "%s", err.message);
    cr_expect_null(hostpci.hosts);
    cr_expect_str_eq(hostpci.mapping, "gpu");
    cr_expect(hostpci.pcie && !hostpci.rombar && hostpci.x_vga && hostpci.keep_driver && hostpci.reattach);
    cr_expect_str_eq(hostpci.romfile, "a/b.rom");
    cr_expect_str_eq(hostpci.mdev, "nvidia-63");
    cr_expect_str_eq(hostpci.overrides[VM_VENDOR_ID], "0x10de");
    cr_expect_str_eq(hostpci.overrides[VM_SUB_DEVICE_ID], "0x1459");
}

Test(vm_hostpci, what_excludes_itself_is_refused)
{
    assert_refused("01:00.0,mapping=gpu", "Cannot set both 'host' and 'mapping'.");
    assert_refused("pcie=1", "Either 'host' or 'mapping' must be set.");
    assert_refused("", "Either 'host' or 'mapping' must be set.");
    assert_refused(
        "01:00,romfile=../../etc/shadow",
        "romfile '../../etc/shadow' is not a name below the ROM folder: copy the file there first");
    assert_refused("01:00,romfile=/etc/shadow",
                   "romfile '/etc/shadow' is not a name below the ROM folder: copy the file there first");
    assert_refused("00:02.0,legacy-igd=1,rombar=0", "legacy-igd needs rombar to be on");
    assert_refused("00:02.0,legacy-igd=1,x-vga=1", "legacy-igd cannot be used with x-vga");
    assert_refused("00:02.0,legacy-igd=1,mdev=i915-GVTg_V5_4",
                   "legacy-igd cannot be used with a mediated device");
    assert_refused("00:02.0,legacy-igd=1,pcie=1", "legacy-igd cannot be used with pcie: it is for i440fx");
    assert_refused("00:02.0;00:02.1,legacy-igd=1", "legacy-igd takes only one function");
    assert_refused("01:00.0,legacy-igd=1", "legacy-igd is for the host's device 00:02.0, not '0000:01:00.0'");
    assert_refused("0000:0G:00.0",
                   "host: invalid format - value is not a list of PCI devices such as "
                   "0000:01:00.0;01:00.1, in lower case; a mapping is given as mapping=NAME\n");
}

static int note_names(void *context, const char *key, const struct vm_hostpci *hostpci, struct error *err)
{
    json_t *names = context;

    json_object_set_new(
        names, key,
        json_pack("[s?, s?]", hostpci->hosts != NULL ? hostpci->hosts[0] : NULL, hostpci->mapping));
    return hostpci->romfile == NULL ? 0 : error_set(err, ERROR_FAILED, "no ROM, please");
}

/* The index of what VMs use must not forget a device because another part of the value is refused today. */
Test(vm_hostpci, foreach_shows_what_each_value_names_and_skips_what_cannot_be_read)
{
    autojson json_t *config =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "hostpci2", "01:00;01:01.0", "hostpci10",
                  "mapping=gpu,pcie=1", "hostpci3", "02:00.0,mapping=nic", "hostpci4", "nonsense=1",
                  "hostpci5", 7, "hostpci16", "03:00.0", "usb0", "1-2");
    autojson json_t *names = json_object();
    autojson json_t *expected = json_pack("{s:[s, n], s:[n, s], s:[s, s]}", "hostpci2", "0000:01:00",
                                          "hostpci10", "gpu", "hostpci3", "0000:02:00.0", "nic");
    struct error err = {0};

    cr_assert_eq(vm_hostpci_foreach(config, note_names, names, &err), 0, "%s", err.message);
    cr_expect(json_equal(names, expected), "%s", json_dumps(names, 0));
    cr_expect_eq(vm_hostpci_foreach(NULL, note_names, names, &err), 0);
}

Test(vm_hostpci, foreach_ends_with_the_first_visit_that_fails)
{
    autojson json_t *config = json_pack("{s:s, s:s}", "hostpci0", "01:00,romfile=a.rom", "hostpci1", "02:00");
    autojson json_t *names = json_object();
    struct error err = {0};

    cr_assert_eq(vm_hostpci_foreach(config, note_names, names, &err), -1);
    cr_expect_str_eq(err.message, "no ROM, please");
    cr_expect_eq(json_object_size(names), 1);
}

Test(vm_hostpci, a_mediated_device_is_named_by_its_key_and_vm)
{
    char uuid[VM_UUID_SIZE];

    vm_hostpci_uuid(3, 100, uuid);
    cr_assert_str_eq(uuid, "00000003-0000-0000-0000-000000000100");
}

/* The table of addresses that guests remember. */
Test(vm_address, devices_sit_where_guests_remember_them)
{
    static const struct {
        const char *id, *bus;
        unsigned slot;
        bool q35;
    } rows[] = {
        {"vga", "pci.0", 0x2, false},         {"vga", "pcie.0", 0x1, true},
        {"balloon0", "pci.0", 0x3, false},    {"watchdog0", "pci.0", 0x4, false},
        {"scsihw0", "pci.0", 0x5, false},     {"scsihw1", "pci.0", 0x6, true},
        {"scsihw2", "pci.4", 0x1, false},     {"scsihw4", "pci.4", 0x3, false},
        {"ahci0", "pci.0", 0x7, false},       {"qga0", "pci.0", 0x8, false},
        {"spice0", "pci.0", 0x9, false},      {"virtio0", "pci.0", 0xa, false},
        {"virtio5", "pci.0", 0xf, false},     {"virtio6", "pci.2", 0x1, false},
        {"virtio15", "pci.2", 0xa, false},    {"net0", "pci.0", 0x12, false},
        {"net5", "pci.0", 0x17, false},       {"net6", "pci.1", 0x1, false},
        {"net31", "pci.1", 0x1a, false},      {"xhci0", "pci.1", 0x1b, false},
        {"rng0", "pci.1", 0x1d, false},       {"vga1", "pci.0", 0x18, false},
        {"vga3", "pci.0", 0x1a, false},       {"hostpci0", "pci.0", 0x10, false},
        {"hostpci1", "pci.0", 0x11, true},    {"hostpci2", "pci.0", 0x1b, false},
        {"hostpci3", "pci.0", 0x1c, false},   {"hostpci4", "pci.2", 0xd, false},
        {"hostpci15", "pci.2", 0x18, true},   {"legacy-igd", "pci.0", 0x2, false},
        {"virtioscsi0", "pci.3", 0x1, false}, {"virtioscsi30", "pci.3", 0x1f, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct vm_address got = vm_address_find(rows[i].id, rows[i].q35);
        cr_expect_str_eq(got.bus, rows[i].bus, "%s", rows[i].id);
        cr_expect_eq(got.slot, rows[i].slot, "%s: %x", rows[i].id, got.slot);
    }
    cr_expect_eq(vm_address_bridge("pci.3"), 3);
    cr_expect_eq(vm_address_bridge("pcie.0"), 0);
}
