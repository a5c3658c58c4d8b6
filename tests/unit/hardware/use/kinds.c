/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions have USB devices, sound streams, virtual functions, programs and other things on them, and
 * what is said when that cannot be seen. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/hardware/use/fixture.h"

#define FIRST  "pci0000:00/0000:00:01.0/0000:01:00.0"
#define SECOND "pci0000:00/0000:00:01.1/0000:02:00.0"

static void plug(const struct tree *tree, const char *interface, const char *class, const char *protocol)
{
    autofree char *link = xasprintf("sys/bus/usb/devices/%s", interface);
    autofree char *target = xasprintf("../../../devices/" FIRST "/usb1/%s", interface);
    autofree char *class_file = xasprintf("sys/devices/" FIRST "/usb1/%s/bInterfaceClass", interface);
    autofree char *protocol_file = xasprintf("sys/devices/" FIRST "/usb1/%s/bInterfaceProtocol", interface);

    tree_write(tree, class_file, class);
    tree_write(tree, protocol_file, protocol);
    tree_link(tree, link, target);
}

Test(use_usb, keyboards_and_mice_are_active_hubs_and_disks_are_told_elsewhere)
{
    autotree struct tree tree;

    host_make(&tree);
    plug(&tree, "1-0:1.0", "09\n", "00\n");
    plug(&tree, "1-1:1.0", "03\n", "01\n");
    plug(&tree, "1-1:1.1", "03\n", "00\n");
    plug(&tree, "1-2:1.0", "03\n", "02\n");
    plug(&tree, "1-3:1.0", "08\n", "50\n");
    plug(&tree, "1-4:1.0", "e0\n", "01\n");
    plug(&tree, "1-5.1:1.0", "03\n", "00\n");
    tree_write(&tree, "sys/bus/usb/devices/1-1/product", "Dell KB216\n");
    tree_write(&tree, "sys/bus/usb/devices/usb1/product", "xHCI Host Controller\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "active usb 1-1: keyboard 'Dell KB216' is plugged in at 1-1 "
        "[/sys/bus/usb/devices/1-1:1.0/bInterfaceClass: 03]\n"
        "active usb 1-2: mouse is plugged in at 1-2 [/sys/bus/usb/devices/1-2:1.0/bInterfaceClass: 03]\n"
        "active usb 1-5.1: input device is plugged in at 1-5.1 "
        "[/sys/bus/usb/devices/1-5.1:1.0/bInterfaceClass: 03]\n"
        "idle usb 1-4: USB device is plugged in at 1-4 [/sys/bus/usb/devices/1-4]\n");
}

Test(use_usb, a_device_that_a_program_drives_is_active)
{
    autotree struct tree tree;

    host_make(&tree);
    plug(&tree, "1-0:1.0", "09\n", "00\n");
    tree_link(&tree, "sys/dev/char/189:3", "../../devices/" FIRST "/usb1/1-2");
    host_open(&tree, 50, "qemu-system-x86\n", "/dev/bus/usb/001/004");
    expect_uses(&tree, "0000:01:00.0",
                "active usb 1-2: the USB device at 1-2 is open in qemu-system-x86 (pid 50) "
                "[/proc/50/fd: /dev/bus/usb/001/004]\n");
}

Test(use_sound, a_card_is_active_while_a_stream_is_open)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add(&tree, "sound", "card0", FIRST "/sound");
    host_add(&tree, "sound", "pcmC0D0p", FIRST "/sound/card0");
    tree_write(&tree, "proc/asound/card0/pcm0p/sub0/status", "closed\n");
    expect_uses(&tree, "0000:01:00.0",
                "idle sound card0: sound card card0 has no open stream "
                "[/proc/asound/card0/pcm*/sub*/status: closed]\n");
    tree_write(&tree, "proc/asound/card0/pcm0p/sub1/status", "state: RUNNING\nowner_pid   : 1234\n");
    tree_write(&tree, "proc/1234/comm", "pipewire\n");
    expect_uses(&tree, "0000:01:00.0",
                "active sound card0: sound card card0 has a stream open in pipewire (pid 1234) "
                "[/proc/asound/card0/pcm0p/sub1/status: state: RUNNING]\n");
}

Test(use_vfio, the_program_that_has_the_group_open_is_named)
{
    autotree struct tree tree;

    host_make(&tree);
    tree_add_function(&tree, "0000:01:00.0", "vfio-pci", "20000", "8086:1572", "8086:0000");
    tree_add_function(&tree, "0000:02:00.0", "vfio-pci", "20000", "8086:1572", "8086:0000");
    host_open(&tree, 4242, "qemu-system-x86\n", "/dev/vfio/1");
    host_open(&tree, 4243, "other\n", "/dev/vfio/vfio");
    expect_uses(&tree, "0000:01:00.0",
                "active vfio 1: given to qemu-system-x86 (pid 4242), which has /dev/vfio/1 open "
                "[/proc/4242/fd: /dev/vfio/1]\n");
    expect_uses(&tree, "0000:02:00.0", "");
}

Test(use_vfio, a_function_of_its_own_can_be_open_too)
{
    autotree struct tree tree;

    host_make(&tree);
    tree_add_function(&tree, "0000:02:00.0", "mlx5_vfio_pci", "20000", "15b3:101e", "8086:0000");
    host_add(&tree, "vfio-dev", "vfio3", SECOND "/vfio-dev");
    host_open(&tree, 7, "qemu\n", "/dev/vfio/devices/vfio3");
    expect_uses(&tree, "0000:02:00.0",
                "active vfio vfio3: given to qemu (pid 7), which has /dev/vfio/devices/vfio3 "
                "open [/proc/7/fd: /dev/vfio/devices/vfio3]\n");
}

/* Whose processes are hidden still sees that vfio-pci has enabled the function. */
Test(use_vfio, without_root_an_enabled_function_is_taken_for_open)
{
    autotree struct tree tree;

    host_make(&tree);
    tree_add_function(&tree, "0000:01:00.0", "vfio-pci", "20000", "8086:1572", "8086:0000");
    tree_add_function(&tree, "0000:02:00.0", "vfio-pci", "20000", "8086:1572", "8086:0000");
    tree_write(&tree, "sys/bus/pci/devices/0000:01:00.0/enable", "1\n");
    tree_write(&tree, "sys/bus/pci/devices/0000:02:00.0/enable", "0\n");
    expect_uses(&tree, "0000:01:00.0", "");
    tree_delete(&tree, "proc/1/comm");
    tree_delete(&tree, "proc/1/mountinfo");
    autofree char *first = sysroot_join(tree.sysroot, "proc/1");
    cr_assert_eq(rmdir(first), 0);
    expect_uses(&tree, "0000:01:00.0",
                "active vfio vfio-pci: given to a program, because vfio-pci has enabled it; only "
                "root can see which one [/sys/bus/pci/devices/0000:01:00.0/enable: 1]\n");
    expect_uses(&tree, "0000:02:00.0", "");
    expect_unreadable(&tree, "/proc/*/fd: absent\n/proc/self/mountinfo: absent\n");
    tree_write(&tree, "proc/300/comm", "own\n");
    expect_unreadable(&tree, "/proc: root needed: other users' processes are hidden (hidepid)\n"
                             "/proc/self/mountinfo: absent\n");
}

Test(use_vfio, a_mediated_device_uses_its_parent)
{
    autotree struct tree tree;
    const char *uuid = "6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11";
    autofree char *link = xasprintf("sys/bus/mdev/devices/%s", uuid);
    autofree char *target = xasprintf("../../../devices/" FIRST "/%s", uuid);
    autofree char *group = xasprintf("sys/devices/" FIRST "/%s/iommu_group", uuid);

    host_make(&tree);
    tree_link(&tree, link, target);
    tree_link(&tree, group, "../../../../kernel/iommu_groups/40");
    expect_uses(&tree, "0000:01:00.0",
                "idle vfio 6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11: mediated device "
                "6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11 was made on it, nobody has it open "
                "[/sys/bus/mdev/devices/6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11]\n");
    host_open(&tree, 9, "qemu\n", "/dev/vfio/40");
    expect_uses(&tree, "0000:01:00.0",
                "active vfio 6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11: mediated device "
                "6d3b2e5a-2c53-4d5c-8a49-5f1f2b0a5c11 is given to qemu (pid 9) [/proc/9/fd: /dev/vfio/40]\n");
}

static void add_child(const struct tree *tree, const char *id, const char *driver)
{
    autofree char *link = xasprintf("sys/bus/pci/devices/%s/physfn", id);

    tree_add_function(tree, id, driver, "20000", "8086:154c", "8086:0000");
    tree_link(tree, link, "../0000:01:00.0");
}

Test(use_sriov, a_physical_function_is_used_when_a_virtual_one_is)
{
    autotree struct tree tree;

    host_make(&tree);
    add_child(&tree, "0000:01:10.0", "iavf");
    add_child(&tree, "0000:01:10.1", "iavf");
    expect_uses(&tree, "0000:01:00.0",
                "idle sriov virtfn: it has 2 virtual functions, none of them in use "
                "[/sys/bus/pci/devices/0000:01:00.0/virtfn*: 2]\n");
    host_add_disk(&tree, "vdb", "254:16", "pci0000:00/0000:01:10.1/virtio9/block");
    tree_write(&tree, "proc/1/mountinfo", "30 27 254:16 / /a rw - xfs /dev/vdb rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active sriov virtfn: 1 of 2 virtual functions in use: 0000:01:10.1 "
                "[/sys/bus/pci/devices/0000:01:00.0/virtfn*: 2]\n");
    tree_write(&tree, "proc/1/mountinfo", "30 27 254:16 / / rw - xfs /dev/vdb rw\n");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    autohostuses struct host_uses *uses = NULL;
    struct error err;
    cr_assert_eq(host_uses_scan(tree.sysroot, inventory, &uses, &err), 0);
    cr_assert_eq(host_uses_weigh(uses, address_of("0000:01:00.0")), USE_CRITICAL);
    cr_assert_eq(host_uses_weigh(uses, address_of("0000:01:10.0")), USE_NONE);
    cr_assert_eq(host_uses_weigh(uses, address_of("0000:77:00.0")), USE_NONE);
}

Test(use_node, consoles_watchdogs_and_open_ports_count)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add(&tree, "tty", "ttyS4", FIRST "/0000:01:00.0:0/0000:01:00.0:0.0/tty");
    host_add(&tree, "tty", "ttyS5", FIRST "/tty");
    host_add(&tree, "watchdog", "watchdog0", SECOND "/watchdog");
    tree_write(&tree, "proc/consoles",
               "ttyS4                -W- (EC p a)    4:68\ntty0                 -WU (E     )    "
               "4:1\n");
    host_open(&tree, 600, "agetty\n", "/dev/ttyS5");
    tree_write(&tree, "sys/devices/" SECOND "/watchdog/watchdog0/state", "inactive\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "active other ttyS5: serial port ttyS5 is open in agetty (pid 600) [/proc/600/fd: /dev/ttyS5]\n"
        "active other ttyS4: the kernel's messages go to its serial port ttyS4 "
        "[/proc/consoles: ttyS4 -W- (EC p a) 4:68]\n");
    expect_uses(&tree, "0000:02:00.0",
                "idle other watchdog0: the host's watchdog watchdog0 is stopped "
                "[/sys/class/watchdog/watchdog0/state: inactive]\n");
    tree_write(&tree, "sys/devices/" SECOND "/watchdog/watchdog0/state", "active\n");
    expect_uses(
        &tree, "0000:02:00.0",
        "active other watchdog0: the host's watchdog watchdog0 is running: the host is reset when nobody "
        "feeds it [/sys/class/watchdog/watchdog0/state: active]\n");
}

Test(uses, an_empty_host_names_what_is_missing)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_add_function(&tree, "0000:01:00.0", NULL, "20000", "8086:1572", "8086:0000");
    expect_uses(&tree, "0000:01:00.0", "");
    expect_unreadable(&tree, "/proc: absent\n/sys/class/block: absent\n/sys/class/net: absent\n");
}

Test(uses, shows_the_heaviest_of_too_many_uses_and_says_so)
{
    autotree struct tree tree;
    char name[16], number[16];

    host_make(&tree);
    for (int i = 0; i < 70; i++) {
        snprintf(name, sizeof(name), "sd%c%c", 'a' + i / 26, 'a' + i % 26);
        snprintf(number, sizeof(number), "8:%d", i);
        host_add_disk(&tree, name, number, FIRST "/host0/block");
    }
    tree_write(&tree, "proc/1/mountinfo", "30 27 8:69 / / rw - xfs /dev/sdcr rw\n");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    autohostuses struct host_uses *uses = NULL;
    struct error err;
    cr_assert_eq(host_uses_scan(tree.sysroot, inventory, &uses, &err), 0);
    const struct host_use *list;
    cr_assert_eq(host_uses_of(uses, address_of("0000:01:00.0"), &list), 64);
    cr_assert_str_eq(list[0].name, "sdcr");
    expect_unreadable(
        &tree,
        "/sys/bus/pci/devices/0000:01:00.0: it has more uses than are listed; these are the heaviest\n");
}
