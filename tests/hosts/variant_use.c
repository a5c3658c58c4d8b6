/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variants of the golden host: what the host does with a function, and files that cannot be read. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"
#include "tests/hosts/use.h"

#define ROUTE "proc/net/route"

static void mount_disk(const struct host *golden)
{
    (void)golden;
    mount_write("259:5", "/srv/data", "ext4", "/dev/nvme1n1p1");
}

static void swap_on_disk(const struct host *golden)
{
    (void)golden;
    tree_append("proc/swaps", "/dev/nvme1n1p2                          partition\t8388604\t\t0\t\t-2\n");
}

/* The root file system on a logical volume on an encrypted array, of which the disk is a half. */
static void stack_root(const struct host *golden)
{
    (void)golden;
    block_write(NULL, "md0", "9:0");
    block_write(NULL, "dm-0", "253:0");
    block_write(NULL, "dm-1", "253:1");
    block_map("dm-0", "md0_crypt", "CRYPT-LUKS2-8a2f6c1d-md0_crypt");
    block_map("dm-1", "vg0-root", "LVM-b8XcT1qk");
    block_put_on("md0", "nvme1n1p1");
    block_put_on("dm-0", "md0");
    block_put_on("dm-1", "dm-0");
    tree_remove("proc/1/mountinfo");
    mount_write("253:1", "/", "ext4", "/dev/mapper/vg0-root");
}

/* btrfs over both disks: the table of mounts names the first alone. */
static void share_btrfs(const struct host *golden)
{
    static const char devices[] = "sys/fs/btrfs/3c1b9a52-7f2e-4a37-9d08-64c1f0a7e5b2/devices";
    tree_link(path("%s/nvme0n1p2", devices).text,
              path("%s/nvme/nvme0/nvme0n1/nvme0n1p2", host_find(golden, ROOT_DISK).text).text);
    tree_link(path("%s/nvme1n1p1", devices).text,
              path("%s/nvme/nvme1/nvme1n1/nvme1n1p1", host_find(golden, SPARE_DISK).text).text);
    tree_remove("proc/1/mountinfo");
    mount_write("0:25", "/", "btrfs", "/dev/nvme0n1p2");
}

/* The host has unmounted what a container got a copy of. */
static void mount_disk_for_container(const struct host *golden)
{
    (void)golden;
    process_write(4812, "conmon", NULL);
    tree_link_raw("proc/1/ns/mnt", "mnt:[4026531841]");
    tree_link_raw("proc/4812/ns/mnt", "mnt:[4026532511]");
    tree_append("proc/4812/mountinfo",
                "701 700 259:5 / /data rw,relatime master:34 - ext4 /dev/nvme1n1p1 rw\n");
}

static void open_disk(const struct host *golden)
{
    (void)golden;
    process_write(2345, "dd", "/dev/nvme1n1");
}

static void route_by_nic(const struct host *golden)
{
    (void)golden;
    interface_set_up("enp3s0f1");
    tree_replace(ROUTE,
                 "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                 "enp3s0f1\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                 "enp3s0f1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
}

static void bridge_nic(const struct host *golden)
{
    (void)golden;
    interface_set_up("enp3s0f1");
    interface_write(NULL, "vmbr1", true);
    interface_put_under("enp3s0f1", "vmbr1", "brport");
}

static void bond_nic(const struct host *golden)
{
    (void)golden;
    interface_set_up("enp3s0f1");
    interface_write(NULL, "bond0", true);
    interface_put_under("enp3s0f1", "bond0", "bonding_slave");
}

static void plug_keyboard(const struct host *golden)
{
    usb_write(host_find(golden, SPARE_USB).text, "3-1",
              &(struct usb_device){.product = "Logitech USB Keyboard", .class = 0x03, .protocol = 0x01});
}

static void plug_camera(const struct host *golden)
{
    usb_write(host_find(golden, SPARE_USB).text, "3-1",
              &(struct usb_device){.product = "USB Camera", .class = 0x0e});
}

static void plug_mounted_disk(const struct host *golden)
{
    struct path stick =
        path("%s/usb3/3-1/3-1:1.0/host6/target6:0:0/6:0:0:0/block", host_find(golden, SPARE_USB).text);
    usb_write(host_find(golden, SPARE_USB).text, "3-1",
              &(struct usb_device){.product = "DataTraveler 3.0", .class = 0x08, .protocol = 0x50});
    block_write(stick.text, "sda", "8:0");
    mount_write("8:0", "/media/backup", "vfat", "/dev/sda");
}

static void play_sound(const struct host *golden)
{
    (void)golden;
    process_write(1777, "pulseaudio", "/dev/snd/pcmC0D0p");
    tree_replace("proc/asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 1777\n");
}

static void give_to_vm(const struct host *golden)
{
    (void)golden;
    process_write(4711, "qemu-system-x86", "/dev/vfio/2");
    tree_replace(path("%s/enable", host_find(golden, GPU).text).text, "1\n");
}

static void with_vfs(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_NIC].vfs.active = 4;
    golden->functions[GOLDEN_SPARE_NIC].vfs.drivers[1] = "vfio-pci";
}

static void give_vf_to_vm(const struct host *golden)
{
    (void)golden;
    process_write(4711, "qemu-system-x86", "/dev/vfio/41");
}

static void with_nouveau(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].driver = "nouveau";
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void draw(const struct host *golden)
{
    tree_remove("etc/modprobe.d/vfio.conf");
    display_write(host_find(golden, GPU).text, 1, false);
    process_write(1500, "Xorg", "/dev/dri/card1");
}

static void use_vtconsole(const struct host *golden)
{
    struct path gpu = host_find(golden, GPU);
    draw(golden);
    tree_remove("sys/class/graphics/fb0");
    tree_remove(path("%s/graphics", host_find(golden, INTEGRATED).text).text);
    tree_link("sys/class/graphics/fb0", path("%s/graphics/fb0", gpu.text).text);
    tree_make_folder(path("%s/graphics/fb0", gpu.text).text);
}

/* The files that an ordinary user cannot read on a hardened host, and a few more. */
static void hide_files(const struct host *golden)
{
    static const char *const files[] = {"proc/cmdline",
                                        "proc/interrupts",
                                        "boot/config-" GOLDEN_RELEASE,
                                        "etc/modprobe.d/vfio.conf",
                                        "lib/modules/" GOLDEN_RELEASE "/modules.dep",
                                        "proc/swaps",
                                        "proc/net/route",
                                        "proc/1/mountinfo",
                                        "proc/812/fd"};
    (void)golden;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        tree_set_mode(files[i], 0);
}

const struct variant variants_of_use[] = {
    {"disk-mounted-for-container", "a container has a file system of the drive mounted, the host has not",
     SPARE_DISK, NULL, mount_disk_for_container},
    {"disk-mounted", "a file system of the drive is mounted", SPARE_DISK, NULL, mount_disk},
    {"disk-swap", "the drive has swap space that is in use", SPARE_DISK, NULL, swap_on_disk},
    {"disk-root-stacked", "the root file system on LVM on dm-crypt on MD on the drive", SPARE_DISK, NULL,
     stack_root},
    {"disk-btrfs", "the root file system is btrfs over two drives", SPARE_DISK, NULL, share_btrfs},
    {"disk-open", "a program has the drive open", SPARE_DISK, NULL, open_disk},
    {"nic-default-route", "the default route goes through the network card", SPARE_NIC, NULL, route_by_nic},
    {"nic-bridge", "the network card is a bridge's port", SPARE_NIC, NULL, bridge_nic},
    {"nic-bond", "the network card belongs to a bond", SPARE_NIC, NULL, bond_nic},
    {"usb-keyboard", "the only keyboard hangs on the USB card", SPARE_USB, NULL, plug_keyboard},
    {"usb-camera", "a camera hangs on the USB card", SPARE_USB, NULL, plug_camera},
    {"usb-disk", "a mounted disk hangs on the USB card", SPARE_USB, NULL, plug_mounted_disk},
    {"sound-stream", "a program plays sound", BOARD_SOUND, NULL, play_sound},
    {"vm-has-it", "a virtual machine has the card", GPU, NULL, give_to_vm},
    {"vm-has-vf", "a virtual machine has a virtual function of the network card", SPARE_NIC, with_vfs,
     give_vf_to_vm},
    {"display-client", "a program draws with the card", GPU, with_nouveau, draw},
    {"display-console", "the host's text console is on the card", GPU, with_nouveau, use_vtconsole},
    {"half-unreadable", "half of the files cannot be read", GPU, NULL, hide_files},
    {0},
};
