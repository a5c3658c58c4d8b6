/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The impact of an operation: what the host uses is logged and refused before anything is changed. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

static void mount_disk(const struct testbed *testbed, const char *line)
{
    host_add_disk(&testbed->tree, "nvme0n1", "259:0", DISK_FOLDER);
    tree_write(&testbed->tree, "proc/1/mountinfo", line);
}

static void give_to_program(const struct testbed *testbed)
{
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    host_open(&testbed->tree, 50, "qemu-system-x86\n", "/dev/vfio/2");
}

Test(impact, refuses_what_is_mounted_with_the_evidence_and_what_to_type)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    mount_disk(&testbed, "36 27 259:0 / /mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw\n");
    testbed_fail(
        &testbed, "driver", TAKE_DISK,
        "what the host uses is not taken from its driver unless forced: " DISK
        " (nvme): disk nvme0n1 carries a file system mounted on /mnt/data (/proc/1/mountinfo: 36 27 259:0 / "
        "/mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw): type `umount /mnt/data`, or say force=1");
    expect_log(&testbed, DISK " (nvme): is taken from its driver; the host has on it:");
    expect_log(&testbed,
               DISK ":   disk nvme0n1 carries a file system mounted on /mnt/data (active; /proc/1/mountinfo");
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

/* The advice is pasted into a shell: a folder's name stays one word of it, and nested ones go first. */
Test(impact, quotes_the_folders_that_are_to_be_unmounted)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    mount_disk(&testbed, "36 27 259:0 / /mnt/my\\040disk rw - ext4 /dev/nvme0n1 rw\n"
                         "37 36 259:0 / /mnt/my\\040disk/it's;reboot rw - ext4 /dev/nvme0n1 rw\n");
    testbed_fail(
        &testbed, "driver", TAKE_DISK,
        "/dev/nvme0n1 rw): type `umount '/mnt/my disk/it'\\''s;reboot' '/mnt/my disk'`, or say force=1");
    expect_binding(DISK, "nvme", "");
}

Test(impact, does_by_force_what_the_host_can_do_without)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    mount_disk(&testbed, "36 27 259:0 / /mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw\n");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'none', 'force': 1}",
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': ''}]}");
    expect_log(&testbed, "carries a file system mounted on /mnt/data");
}

Test(impact, never_takes_the_root_file_system)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    mount_disk(&testbed, "27 1 259:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'force': 1}",
                 "what the host cannot run without is never taken from its driver: " DISK
                 " (nvme): disk nvme0n1 carries the root file system");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'none', 'force': 1}", "is never taken");
    expect_binding(DISK, "nvme", "");
}

/* It stays where it is. */
Test(impact, asks_nothing_of_a_function_that_keeps_its_driver)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    mount_disk(&testbed, "27 1 259:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'nvme'}]}");
}

Test(impact, refuses_what_a_virtual_machine_has)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    give_to_program(&testbed);
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
                 DISK " (vfio-pci): given to qemu-system-x86 (pid 50), which has /dev/vfio/2 open "
                      "(/proc/50/fd: /dev/vfio/2): stop the virtual machine that has it, or say force=1");
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto', 'force': 1}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
}

/* One of the group is used: none of it is touched. */
Test(impact, refuses_all_for_one)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    host_add(&testbed.tree, "sound", "card0", "pci0000:00/" SOUND);
    tree_write(&testbed.tree, "proc/asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 77\n");
    tree_write(&testbed.tree, "proc/77/comm", "pipewire\n");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'group'}",
                 SOUND " (snd_hda_intel): sound card card0 has a stream open in pipewire (pid 77)");
    expect_log(&testbed, SCREEN " (nouveau): is taken from its driver; nothing is known to use it");
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    expect_nothing_open(&testbed);
}

Test(impact, never_touches_a_bridge_that_is_named)
{
    static const char *const drivers[] = {"vfio-pci", "none", "auto", "restore", "pcieport"};
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    for (size_t i = 0; i < COUNT_OF(drivers); i++) {
        autofree char *arguments = xasprintf("{'id': '" PORT "', 'driver': '%s', 'force': 1}", drivers[i]);
        testbed_fail(&testbed, "driver", arguments, PORT " is a bridge (class 060400)");
    }
    testbed_fail(&testbed, "reset", "{'id': '" PORT "', 'force': 1}", PORT " is a bridge");
    expect_binding(PORT, "pcieport", "");
    expect_nothing_open(&testbed);
}

Test(impact, wants_an_iommu_group_for_vfio)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(
        &testbed, "driver", "{'id': '" ALONE "', 'driver': 'vfio-pci', 'force': 1}",
        ALONE " is in no IOMMU group, so that vfio-pci cannot have it: see what the host lacks with hostpci "
              "get /nodes/localhost/hardware/iommu");
    testbed_do(&testbed, "driver", "{'id': '" ALONE "', 'driver': 'none', 'scope': 'group'}",
               "{'functions': [{'id': '" ALONE "', 'before': 'ahci', 'driver': ''}]}");
}

Test(impact, says_what_could_not_be_looked_at)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_delete(&testbed.tree, "proc/1/mountinfo");
    testbed_do(&testbed, "driver", TAKE_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    expect_log(&testbed, "warning: more may be in use than was found, as these could not be read: /proc/");
}

Test(impact, knows_what_is_not_there)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "driver", "{'id': '0000:77:00.0', 'driver': 'none'}",
                 "no PCI device found for '0000:77:00.0'");
    testbed_fail(&testbed, "reset", "{'id': '0000:77:00.0'}", "no PCI device found for '0000:77:00.0'");
}
