/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets a driver or a number of virtual functions at boot. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/settings/owner.h"
#include "tests/unit/hardware/fixture.h"

#define CARD "0000:01:00.0"
#define UUID "11111111-2222-4333-8444-555555555555"
#define MAC  "52:54:00:00:01:01"
#define UNIT "[Service]\nExecStart=/bin/sh -c 'echo 4 > /sys/class/net/eth1/device/sriov_numvfs'\n"

/* Each in the words of its own documentation; the second line of a case is about another device. */
static const struct {
    const char *file, *text, *owner, *what;
    int line;
} cases[] = {
    {"etc/sysfs.conf", "# VFs\nbus/pci/devices/" CARD "/sriov_numvfs = 4\n", "sysfsutils", "vfs", 2},
    {"etc/sysfs.d/net.conf",
     "class/net/eth1/device/sriov_numvfs = 4\nclass/net/eth10/device/sriov_numvfs = 4\n", "sysfsutils", "vfs",
     1},
    {"etc/sysfs.conf", "bus/pci/devices/" CARD "/driver_override = vfio-pci\n", "sysfsutils", "driver", 1},
    {"etc/sysfs.conf", "bus/pci/devices/" CARD "/mdev_supported_types/a-1/create = " UUID "\n", "sysfsutils",
     "mdev", 1},
    {"etc/sysfs.conf", "bus/pci/devices/" CARD "/nvidia/current_vgpu_type = 558\n", "sysfsutils", "mdev", 1},
    {"etc/mdevctl.d/" CARD "/" UUID, "{\"mdev_type\": \"a-1\", \"start\": \"auto\"}", "mdevctl", "mdev", 0},
    {"etc/systemd/network/10-vf.link", "[Match]\nOriginalName=eth1\n\n[Link]\nSR-IOVVirtualFunctions=4\n",
     "systemd", "vfs", 5},
    {"usr/lib/systemd/network/10-vf.link",
     "[Match]\nPermanentMACAddress=" MAC "\n[Link]\nName=lan\n"
     "[SR-IOV]\nVirtualFunction=0\n[SR-IOV]\nVirtualFunction=1\n",
     "systemd", "vfs", 6},
    {"usr/local/lib/systemd/network/10-vf.link",
     "[Match]\nPath=pci-" CARD "\n[Link]\nSR-IOVVirtualFunctions=4\n[SR-IOV]\nVirtualFunction=0\n", "systemd",
     "vfs", 4},
    {"run/systemd/network/10-vf.link", "[Match]\nOriginalName=eth1\n[Link]\nSR-IOVVirtualFunctions=4\n",
     "systemd", "vfs", 4},
    {"etc/netplan/a.yaml", "network:\n  ethernets:\n    eth1:\n      virtual-function-count: 4\n", "netplan",
     "vfs", 4},
    {"etc/NetworkManager/system-connections/a.nmconnection",
     "[connection]\ninterface-name=eth1\n[sriov]\ntotal-vfs=4\n", "networkmanager", "vfs", 4},
    {"etc/driverctl.d/pci-" CARD, "vfio-pci\n", "driverctl", "driver", 0},
    {"etc/udev/rules.d/99.rules",
     "ACTION==\"add\", KERNEL==\"" CARD "\", ATTR{sriov_numvfs}=\"4\"\n"
     "ACTION==\"add\", KERNEL==\"0000:03:00.0\", ATTR{sriov_numvfs}=\"4\"\n",
     "udev", "vfs", 1},
    {"run/udev/rules.d/99.rules", "ACTION==\"add\", KERNEL==\"" CARD "\", ATTR{sriov_numvfs}=\"4\"\n", "udev",
     "vfs", 1},
    {"usr/lib/udev/rules.d/99.rules",
     "# \\\n# two lines\nACTION==\"add\", \\\n  KERNEL==\"" CARD
     "\", \\\n  ATTR{driver_override}=\"vfio-pci\"\n",
     "udev", "driver", 3},
    {"usr/local/lib/udev/rules.d/99.rules",
     "ACTION==\"add\", KERNEL==\"" CARD "\", ATTR{mdev_supported_types/a-1/create}=\"" UUID "\"\n", "udev",
     "mdev", 1},
    {"run/NetworkManager/system-connections/a.nmconnection",
     "[connection]\ninterface-name=eth1\n[sriov]\ntotal-vfs=4\n", "networkmanager", "vfs", 4},
    {"usr/lib/NetworkManager/system-connections/a.nmconnection",
     "[ethernet]\nmac-address=" MAC "\n[sriov]\ntotal-vfs=4\n", "networkmanager", "vfs", 4},
    {"etc/modprobe.d/igb.conf", "options igb max_vfs=4\n", "modprobe", "vfs", 1},
    {"etc/rc.local", "#!/bin/sh\necho 4 > /sys/class/net/eth1/device/sriov_numvfs\n", "script", "vfs", 2},
    {"etc/rc.local", "#!/bin/sh\necho 4 \\\n    > /sys/class/net/eth1/device/sriov_numvfs", "script", "vfs",
     2},
    {"etc/network/interfaces",
     "iface eth1 inet manual\n  up echo 4 > /sys/class/net/eth1/device/sriov_numvfs\n", "script", "vfs", 2},
    {"etc/network/interfaces.d/lan",
     "iface eth1 inet manual\n  up echo 4 > /sys/class/net/eth1/device/sriov_numvfs\n", "script", "vfs", 2},
    {"etc/cron.d/vfs", "@reboot root echo 4 > /sys/bus/pci/devices/" CARD "/sriov_numvfs\n", "script", "vfs",
     1},
    {"usr/lib/systemd/system/vfs.service", UNIT, "script", "vfs", 2},
    {"usr/local/lib/systemd/system/vfs.service", UNIT, "script", "vfs", 2},
    {"run/systemd/system/vfs.service", UNIT, "script", "vfs", 2},
    {"etc/systemd/system/network.service.d/vfs.conf", UNIT, "script", "vfs", 2},
    {"etc/systemd/system/vfs.service",
     "[Service]\nExecStart=/bin/sh -c 'echo vfio-pci > /sys/bus/pci/devices/" CARD "/driver_override'\n",
     "script", "driver", 2},
};

#define SCRIPT            "usr/local/sbin/make-vfs"
#define RUN_UNIT(command) "[Service]\nType=oneshot\nExecStart=" command "\n"

/* Scripts that others run: the device is named there, or where it is run. */
static const struct {
    const char *file, *text, *script;
    int line; /* 0: nothing is found */
} scripts[] = {
    {"etc/systemd/system/vfs.service", RUN_UNIT("-/" SCRIPT " --now"),
     "#!/bin/sh\necho 4 > /sys/class/net/eth1/device/sriov_numvfs\n", 2},
    {"usr/lib/systemd/system/vfs.service", RUN_UNIT("/bin/sh -c '/" SCRIPT "; true'"),
     "#!/bin/sh\nport=" CARD "\n# sriov_numvfs of $port\necho 4 > /sys/bus/pci/devices/$port/sriov_numvfs",
     4},
    {"etc/systemd/system/vfs.service", RUN_UNIT("/" SCRIPT " eth1 4"),
     "#!/bin/sh\necho $2 > /sys/class/net/$1/device/sriov_numvfs\n", 2},
    {"etc/systemd/system/vfs.service", RUN_UNIT("/" SCRIPT " eth10 4"),
     "#!/bin/sh\necho $2 > /sys/class/net/$1/device/sriov_numvfs\n", 0},
    {"etc/systemd/system/vfs.service", RUN_UNIT("/" SCRIPT " eth1"),
     "#!/bin/sh\nip link set $1 up\necho 4 > /sys/class/net/eth10/device/sriov_numvfs\n", 0},
    {"etc/systemd/system/vfs.service", "[Unit]\nConditionPathExists=/" SCRIPT "\n",
     "#!/bin/sh\necho 4 > /sys/class/net/eth1/device/sriov_numvfs\n", 0},
    {"etc/systemd/system/vfs.service", RUN_UNIT("/" SCRIPT),
     "\177ELF/sys/class/net/eth1/device/sriov_numvfs\n", 0},
    {"etc/udev/rules.d/90.rules", "ACTION==\"add\", NAME==\"eth1\", RUN+=\"/" SCRIPT " $name\"\n",
     "#!/bin/sh\necho 4 > /sys/class/net/$1/device/sriov_numvfs\n", 2},
    {"etc/rc.local", "#!/bin/sh\n/" SCRIPT " &\nexit 0\n",
     "#!/bin/sh\necho vfio-pci > /sys/bus/pci/devices/" CARD "/driver_override\n", 2},
    {"etc/cron.d/vfs", "@reboot root /" SCRIPT " eth1\n",
     "#!/bin/sh\necho 4 > /sys/class/net/$1/device/sriov_numvfs\n", 2},
};

static void make(struct tree *tree)
{
    tree_make(tree);
    tree_add_function(tree, CARD, "igb", "20000", "8086:10C9", "8086:0000");
    tree_add_function(tree, "0000:02:00.0", NULL, "20000", "8086:1572", "8086:0000");
    tree_write(tree, "sys/bus/pci/devices/" CARD "/net/eth1/address", MAC "\n");
}

Test(owner, each_is_found_and_refused)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        struct error err = {.message = ""};
        make(&tree);
        tree_write(&tree, cases[i].file, cases[i].text);
        autoinventory struct inventory *inventory = tree_scan(&tree);
        const struct pci_device *card = device_of(inventory, CARD),
                                *other = device_of(inventory, "0000:02:00.0");
        autojson json_t *list = owner_list(tree.sysroot, card);
        cr_assert_eq(json_array_size(list), 1, "%s: %zu owners", cases[i].file, json_array_size(list));
        const json_t *owner = json_array_get(list, 0);
        cr_expect_str_eq(json_string_value(json_object_get(owner, "owner")), cases[i].owner);
        cr_expect_str_eq(json_string_value(json_object_get(owner, "what")), cases[i].what);
        cr_expect_eq(json_integer_value(json_object_get(owner, "line")), cases[i].line, "%s", cases[i].file);
        for (int what = 0; what < OWNED_KINDS; what++) {
            const struct owned_setting setting = {.what = (enum owned)what, .ours = "x"};
            bool rival =
                strcmp(cases[i].what, owned_names[what]) == 0 && strcmp(cases[i].owner, "mdevctl") != 0;
            cr_expect_eq(owner_check(tree.sysroot, card, &setting, &err), rival ? -1 : 0, "%s",
                         cases[i].file);
            cr_expect(!rival || strstr(err.message, cases[i].file) != NULL, "%s", err.message);
        }
        autojson json_t *none = owner_list(tree.sysroot, other);
        cr_expect_eq(json_array_size(none), 0, "%s: of another device", cases[i].file);
    }
}

Test(owner, scripts_that_others_run_are_looked_at)
{
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        autotree struct tree tree;
        make(&tree);
        tree_write(&tree, scripts[i].file, scripts[i].text);
        tree_write(&tree, SCRIPT, scripts[i].script);
        autoinventory struct inventory *inventory = tree_scan(&tree);
        autojson json_t *list = owner_list(tree.sysroot, device_of(inventory, CARD)),
                        *none = owner_list(tree.sysroot, device_of(inventory, "0000:02:00.0"));
        const json_t *owner = json_array_get(list, 0);
        cr_expect_eq(json_array_size(none), 0, "%zu: of another device", i);
        cr_assert_eq(json_array_size(list), scripts[i].line > 0, "%zu: %zu owners", i, json_array_size(list));
        if (owner == NULL)
            continue;
        cr_expect_str_eq(json_string_value(json_object_get(owner, "file")), "/" SCRIPT);
        cr_expect_eq(json_integer_value(json_object_get(owner, "line")), scripts[i].line, "%zu", i);
        cr_expect_not_null(strstr(json_string_value(json_object_get(owner, "text")), scripts[i].file));
    }
}

/* `$IFACE` is the interface of its own part of the file. */
Test(owner, of_a_file_of_several_parts_has_its_own)
{
    autotree struct tree tree;

    make(&tree);
    tree_write(&tree, "etc/network/interfaces",
               "iface eth1 inet manual\n  mtu 9000\n\niface eth2 inet manual\n"
               "  up echo 4 > /sys/class/net/$IFACE/device/sriov_numvfs\n");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    const struct pci_device *card = device_of(inventory, CARD);
    expect_json(owner_list(tree.sysroot, card), "[]");
    tree_write(&tree, "etc/network/interfaces",
               "iface eth2 inet manual\n  mtu 9000\n\niface eth1 inet manual\n"
               "  up echo 4 > /sys/class/net/$IFACE/device/sriov_numvfs\n");
    autojson json_t *list = owner_list(tree.sysroot, card);
    cr_assert_eq(json_array_size(list), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, 0), "line")), 5);
}

Test(owner, nobody_is_found_where_nobody_is)
{
    autotree struct tree tree;

    make(&tree);
    tree_write(&tree, "etc/rc.local", "# echo 4 > /sys/class/net/eth1/device/sriov_numvfs\n");
    tree_write(&tree, "etc/systemd/network/10-name.link", "[Match]\nOriginalName=eth1\n[Link]\nName=lan\n");
    tree_write(&tree, "etc/modprobe.d/igb.conf", "options igbvf max_vfs=4\n");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    expect_json(owner_list(tree.sysroot, device_of(inventory, CARD)), "[]");
}
