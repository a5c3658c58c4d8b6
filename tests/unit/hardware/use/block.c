/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions have disks that the host uses, through everything that can be stacked on a disk. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/hardware/use/fixture.h"

#define FIRST           "pci0000:00/0000:00:01.0/0000:01:00.0"
#define SECOND          "pci0000:00/0000:00:01.1/0000:02:00.0"
#define SATA            FIRST "/ata1/host0/target0:0:0/0:0:0:0/block"
#define SCSI            SECOND "/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block"
#define VIRTUAL         "virtual/block"

#define ROOT_ON(number) "27 1 " number " / / rw,relatime shared:1 - ext4 /dev/root rw\n"

/* A node of device-mapper or the like, which stands on others. */
static void stack(const struct tree *tree, const char *name, const char *number, const char *below)
{
    autofree char *slave = xasprintf("sys/devices/virtual/block/%s/slaves/%s", name, below);
    autofree char *link = xasprintf("sys/class/block/%s", name);

    if (!sysfs_exists(sysroot_fd(tree->sysroot), link))
        host_add_disk(tree, name, number, VIRTUAL);
    tree_link(tree, slave, "../../anywhere");
}

static void map(const struct tree *tree, const char *name, const char *mapped, const char *uuid)
{
    autofree char *name_file = xasprintf("sys/devices/virtual/block/%s/dm/name", name);
    autofree char *uuid_file = xasprintf("sys/devices/virtual/block/%s/dm/uuid", name);

    tree_write(tree, name_file, mapped);
    tree_write(tree, uuid_file, uuid);
}

static void mount(const struct tree *tree, const char *lines)
{
    tree_write(tree, "proc/1/mountinfo", lines);
}

Test(use_block, a_disk_that_nobody_uses_is_idle)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sda1", "8:1", SATA "/sda");
    expect_uses(
        &tree, "0000:01:00.0",
        "idle block sda: disk sda is not in use: nothing on it is mounted, swapped to, stacked or open "
        "[/sys/class/block/sda]\n");
    expect_uses(&tree, "0000:02:00.0", "");
    expect_unreadable(&tree, "");
}

Test(use_block, the_root_file_system_is_critical)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "vda", "254:0", FIRST "/virtio1/block");
    mount(&tree, ROOT_ON("254:0"));
    expect_uses(&tree, "0000:01:00.0",
                "critical block vda: disk vda carries the root file system "
                "[/proc/1/mountinfo: 27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw]\n");
}

Test(use_block, tells_the_partitions_that_are_mounted_the_root_first)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "nvme0n1", "259:0", FIRST "/nvme/nvme0");
    host_add_disk(&tree, "nvme0n1p1", "259:1", FIRST "/nvme/nvme0/nvme0n1");
    host_add_disk(&tree, "nvme0n1p2", "259:2", FIRST "/nvme/nvme0/nvme0n1");
    mount(&tree, "30 27 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n"
                 "27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n"
                 "31 27 259:2 /a /with\\040blank rw - ext4 /dev/nvme0n1p2 rw\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "critical block nvme0n1: disk nvme0n1 carries the root file system, also mounted on /with blank, "
        "through nvme0n1p2 [/proc/1/mountinfo: 27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw]\n"
        "active block nvme0n1: disk nvme0n1 carries a file system mounted on /boot, through nvme0n1p1 "
        "[/proc/1/mountinfo: 30 27 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw]\n");
}

Test(use_block, names_three_folders_and_counts_the_others)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    mount(&tree, "30 27 8:0 / /a rw - xfs /dev/sda rw\n31 27 8:0 / /b rw - xfs /dev/sda rw\n"
                 "32 27 8:0 / /c rw - xfs /dev/sda rw\n33 27 8:0 / /d rw - xfs /dev/sda rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries a file system mounted on /a, /b, /c and 1 more "
                "[/proc/1/mountinfo: 30 27 8:0 / /a rw - xfs /dev/sda rw]\n");
}

Test(use_block, a_root_that_is_no_block_device_makes_nothing_critical)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    mount(&tree, "27 1 0:30 / / rw - overlay overlay rw,lowerdir=/l\n28 27 0:31 / /host rw - 9p tag rw\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "idle block sda: disk sda is not in use: nothing on it is mounted, swapped to, stacked or open "
        "[/sys/class/block/sda]\n");
}

Test(use_block, finds_a_mount_by_the_device_name_when_the_number_is_unknown)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    mount(&tree, "30 27 8:77 / /a rw - xfs /dev/sda rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries a file system mounted on /a "
                "[/proc/1/mountinfo: 30 27 8:77 / /a rw - xfs /dev/sda rw]\n");
}

Test(use_block, reads_its_own_mounts_where_those_of_the_first_process_are_hidden)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    tree_delete(&tree, "proc/1/mountinfo");
    tree_write(&tree, "proc/self/mountinfo", "30 27 8:0 / /a rw - xfs /dev/sda rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries a file system mounted on /a "
                "[/proc/self/mountinfo: 30 27 8:0 / /a rw - xfs /dev/sda rw]\n");
}

Test(use_block, swap_is_active)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sda2", "8:2", SATA "/sda");
    tree_write(&tree, "proc/swaps",
               "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
               "/dev/sda2                               partition\t2097148\t0\t-2\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries swap space, through sda2 "
                "[/proc/swaps: /dev/sda2 partition 2097148 0 -2]\n");
}

Test(use_block, follows_raid_encryption_and_lvm_to_every_disk_below_the_root)
{
    autotree struct tree tree;
    const char *evidence = "/proc/1/mountinfo: 27 1 253:1 / / rw,relatime shared:1 - ext4 /dev/root rw";

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sda2", "8:2", SATA "/sda");
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    stack(&tree, "md0", "9:0", "sda2");
    stack(&tree, "md0", "9:0", "sdb");
    stack(&tree, "dm-0", "253:0", "md0");
    map(&tree, "dm-0", "luks-1", "CRYPT-LUKS2-b5a1-luks-1\n");
    stack(&tree, "dm-1", "253:1", "dm-0");
    map(&tree, "dm-1", "pve-root", "LVM-abcdef\n");
    mount(&tree, ROOT_ON("253:1"));
    autofree char *first =
        xasprintf("critical block sda: disk sda carries the root file system, through sda2, RAID array md0, "
                  "encrypted device luks-1 and LVM volume pve-root [%s]\n",
                  evidence);
    autofree char *second =
        xasprintf("critical block sdb: disk sdb carries the root file system, through RAID array md0, "
                  "encrypted device luks-1 and LVM volume pve-root [%s]\n",
                  evidence);
    expect_uses(&tree, "0000:01:00.0", first);
    expect_uses(&tree, "0000:02:00.0", second);
}

Test(use_block, bcache_uses_its_backing_and_its_caching_disk)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "nvme0n1", "259:0", SECOND "/nvme/nvme0");
    stack(&tree, "bcache0", "252:0", "sda");
    stack(&tree, "bcache0", "252:0", "nvme0n1");
    mount(&tree, "30 27 252:0 / /srv rw - ext4 /dev/bcache0 rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries a file system mounted on /srv, through bcache0 "
                "[/proc/1/mountinfo: 30 27 252:0 / /srv rw - ext4 /dev/bcache0 rw]\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block nvme0n1: disk nvme0n1 carries a file system mounted on /srv, through bcache0 "
                "[/proc/1/mountinfo: 30 27 252:0 / /srv rw - ext4 /dev/bcache0 rw]\n");
}

Test(use_block, a_volume_that_is_active_is_a_use_also_when_not_mounted)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    stack(&tree, "dm-0", "253:0", "sda");
    map(&tree, "dm-0", "vg-data", "LVM-abcdef\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries the LVM volume vg-data, which is active but not mounted "
                "[/sys/class/block/dm-0/slaves]\n");
}

Test(use_block, an_array_that_is_not_running_is_no_use)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    stack(&tree, "md127", "9:127", "sda");
    tree_write(&tree, "sys/devices/virtual/block/md127/md/array_state", "inactive\n");
    expect_uses(
        &tree, "0000:01:00.0",
        "idle block sda: disk sda is not in use: nothing on it is mounted, swapped to, stacked or open "
        "[/sys/class/block/sda]\n");
    tree_write(&tree, "sys/devices/virtual/block/md127/md/array_state", "clean\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries the RAID array md127, which is active but not mounted "
                "[/sys/class/block/md127/slaves]\n");
}

Test(use_block, multipath_passes_on_what_is_above_it)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    stack(&tree, "dm-0", "253:0", "sda");
    stack(&tree, "dm-0", "253:0", "sdb");
    map(&tree, "dm-0", "mpatha", "mpath-3600\n");
    expect_uses(
        &tree, "0000:02:00.0",
        "idle block sdb: disk sdb is not in use: nothing on it is mounted, swapped to, stacked or open "
        "[/sys/class/block/sdb]\n");
    mount(&tree, ROOT_ON("253:0"));
    expect_uses(&tree, "0000:02:00.0",
                "critical block sdb: disk sdb carries the root file system, through multipath device mpatha "
                "[/proc/1/mountinfo: 27 1 253:0 / / rw,relatime shared:1 - ext4 /dev/root rw]\n");
}

Test(use_block, an_nvme_namespace_hangs_on_each_controller_that_reaches_it)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "nvme1n1", "259:0", "virtual/nvme-subsystem/nvme-subsys1");
    host_add_disk(&tree, "nvme1n1p1", "259:1", "virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
    host_add(&tree, "block", "nvme1c0n1", FIRST "/nvme/nvme0");
    host_add(&tree, "block", "nvme1c1n1", SECOND "/nvme/nvme1");
    mount(&tree, ROOT_ON("259:1"));
    expect_uses(&tree, "0000:01:00.0",
                "critical block nvme1c0n1: disk nvme1c0n1 carries the root file system, through nvme1n1 and "
                "nvme1n1p1 [/proc/1/mountinfo: 27 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw]\n");
    expect_uses(&tree, "0000:02:00.0",
                "critical block nvme1c1n1: disk nvme1c1n1 carries the root file system, through nvme1n1 and "
                "nvme1n1p1 [/proc/1/mountinfo: 27 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw]\n");
}

Test(use_block, an_nvme_subsystem_tells_its_controllers_where_paths_are_hidden)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "nvme0n1", "259:0", "virtual/nvme-subsystem/nvme-subsys0");
    host_add(&tree, "nvme", "nvme0", FIRST "/nvme");
    host_add(&tree, "nvme", "nvme1", SECOND "/nvme");
    tree_link(&tree, "sys/class/nvme-subsystem/nvme-subsys0/nvme0", "anywhere");
    tree_link(&tree, "sys/class/nvme-subsystem/nvme-subsys0/nvme1", "anywhere");
    mount(&tree, "30 27 259:0 / /srv rw - ext4 /dev/nvme0n1 rw\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block nvme0n1: disk nvme0n1 carries a file system mounted on /srv "
                "[/proc/1/mountinfo: 30 27 259:0 / /srv rw - ext4 /dev/nvme0n1 rw]\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block nvme0n1: disk nvme0n1 carries a file system mounted on /srv "
                "[/proc/1/mountinfo: 30 27 259:0 / /srv rw - ext4 /dev/nvme0n1 rw]\n");
}

Test(use_block, a_disk_behind_vmd_hangs_on_its_own_function_and_on_the_vmd)
{
    autotree struct tree tree;

    host_make(&tree);
    tree_add_function(&tree, "10000:e1:00.0", "nvme", "10802", "8086:0a54", "8086:0000");
    host_add_disk(&tree, "nvme0n1", "259:0",
                  "pci0000:00/0000:01:00.0/pci10000:e0/10000:e0:02.0/10000:e1:00.0/nvme/nvme0");
    mount(&tree, ROOT_ON("259:0"));
    const char *use = "critical block nvme0n1: disk nvme0n1 carries the root file system "
                      "[/proc/1/mountinfo: 27 1 259:0 / / rw,relatime shared:1 - ext4 /dev/root rw]\n";
    expect_uses(&tree, "0000:01:00.0", use);
    expect_uses(&tree, "10000:e1:00.0", use);
}

Test(use_block, a_usb_disk_hangs_on_the_controller)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sdc", "8:32", FIRST "/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block");
    mount(&tree, "30 27 8:32 / /media rw - vfat /dev/sdc rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sdc: USB disk sdc carries a file system mounted on /media "
                "[/proc/1/mountinfo: 30 27 8:32 / /media rw - vfat /dev/sdc rw]\n");
}

Test(use_block, btrfs_is_mounted_from_all_its_disks)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    tree_link(&tree, "sys/fs/btrfs/8d1e/devices/sda", "anywhere");
    tree_link(&tree, "sys/fs/btrfs/8d1e/devices/sdb", "anywhere");
    mount(&tree, "27 1 0:25 /@ / rw - btrfs /dev/sda rw,subvol=/@\n");
    expect_uses(&tree, "0000:02:00.0",
                "critical block sdb: disk sdb carries the root file system "
                "[/proc/1/mountinfo: 27 1 0:25 /@ / rw - btrfs /dev/sda rw,subvol=/@]\n");
    mount(&tree, "27 1 0:25 / / rw - overlay overlay rw\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block sdb: disk sdb belongs to a mounted btrfs file system "
                "[/sys/fs/btrfs/8d1e/devices]\n");
}

Test(use_block, bcachefs_names_all_its_disks)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    mount(&tree, "30 27 0:25 / /srv rw - bcachefs /dev/sda:/dev/sdb rw\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block sdb: disk sdb carries a file system mounted on /srv "
                "[/proc/1/mountinfo: 30 27 0:25 / /srv rw - bcachefs /dev/sda:/dev/sdb rw]\n");
}

Test(use_block, a_disk_of_a_zfs_pool_is_known_by_what_udev_found_on_it)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sda3", "8:3", SATA "/sda");
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    tree_write(&tree, "proc/spl/kstat/zfs/rpool/state", "ONLINE\n");
    tree_write(&tree, "proc/spl/kstat/zfs/arcstats", "9 1 0x01\n");
    tree_write(&tree, "run/udev/data/b8:3",
               "S:disk/by-label/rpool\nE:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=rpool\n");
    mount(&tree, "27 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw\n");
    expect_uses(&tree, "0000:01:00.0",
                "critical block sda: disk sda belongs to the ZFS pool rpool, which holds the "
                "root file system, through sda3 [/run/udev/data/b8:3: zfs_member rpool]\n");
    expect_uses(
        &tree, "0000:02:00.0",
        "idle block sdb: disk sdb is not in use: nothing on it is mounted, swapped to, stacked or open "
        "[/sys/class/block/sdb]\n");
    expect_unreadable(&tree, "");
}

Test(use_block, every_unused_disk_may_belong_to_a_pool_whose_disks_are_unknown)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    mount(&tree, "30 27 8:0 / /a rw - xfs /dev/sda rw\n");
    tree_write(&tree, "proc/spl/kstat/zfs/tank/state", "ONLINE\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries a file system mounted on /a "
                "[/proc/1/mountinfo: 30 27 8:0 / /a rw - xfs /dev/sda rw]\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block sdb: disk sdb may belong to the ZFS pool tank, see 'zpool status' "
                "[/proc/spl/kstat/zfs/tank]\n");
    expect_unreadable(&tree, "/proc/spl/kstat/zfs/tank: which disks belong to this ZFS pool is unknown "
                             "without udev's data in /run/udev/data: see 'zpool status'\n");
}

Test(use_block, a_disk_or_volume_that_a_program_has_open_is_active)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    host_add_disk(&tree, "sdb", "8:16", SCSI);
    stack(&tree, "dm-0", "253:0", "sdb");
    map(&tree, "dm-0", "vg-guest", "LVM-abcdef\n");
    host_open(&tree, 4242, "qemu-system-x86\n", "/dev/sda");
    host_open(&tree, 4243, "qemu-system-x86\n", "/dev/mapper/vg-guest");
    expect_uses(
        &tree, "0000:01:00.0",
        "active block sda: disk sda is open in qemu-system-x86 (pid 4242) [/proc/4242/fd: /dev/sda]\n");
    expect_uses(&tree, "0000:02:00.0",
                "active block sdb: disk sdb is open in qemu-system-x86 (pid 4243), through "
                "LVM volume vg-guest [/proc/4243/fd: /dev/mapper/vg-guest]\n");
}

Test(use_block, survives_nonsense)
{
    autotree struct tree tree;

    host_make(&tree);
    host_add_disk(&tree, "sda", "8:0", SATA);
    stack(&tree, "md0", "9:0", "md0");
    stack(&tree, "md0", "9:0", "absent");
    stack(&tree, "md0", "9:0", "sda");
    stack(&tree, "md1", "9:1", "md0");
    stack(&tree, "md0", "9:0", "md1");
    mount(&tree, "\n - \n1 2 - \n1 2 3 4 5 6 -\n1 2 ../8:0 / /a rw - ext4 /dev/ rw\n1 2 8:0 / \\0\n"
                 "1 2 8:99 / /a rw - ext4 a\\40");
    tree_write(&tree, "proc/swaps", "\n\n/dev/\n");
    expect_uses(&tree, "0000:01:00.0",
                "active block sda: disk sda carries the RAID array md1, which is active but not mounted, "
                "through RAID "
                "array md0 [/sys/class/block/md1/slaves]\n");
}

Test(use_block, says_when_the_mounts_cannot_be_read)
{
    autotree struct tree tree;

    host_make(&tree);
    tree_delete(&tree, "proc/1/mountinfo");
    expect_unreadable(&tree, "/proc/self/mountinfo: absent\n");
}
