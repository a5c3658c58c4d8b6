/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blast radius: what the host uses is told and refused before anything is changed. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/broker/stage.h"
#include "tests/unit/hardware/use/fixture.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

static void mount_disk(const struct stage *stage, const char *line)
{
    host_add_disk(&stage->tree, "nvme0n1", "259:0", DISK_FOLDER);
    tree_write(&stage->tree, "proc/1/mountinfo", line);
}

static void give_to_program(const struct stage *stage)
{
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    host_open(&stage->tree, 50, "qemu-system-x86\n", "/dev/vfio/2");
}

Test(loss, refuses_what_is_mounted_with_the_evidence_and_what_to_type)
{
    autostage struct stage stage;

    stage_make(&stage);
    mount_disk(&stage, "36 27 259:0 / /mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw\n");
    stage_fail(
        &stage, "driver", TAKE_DISK,
        "what the host uses is not taken from its driver unless forced: " DISK
        " (nvme): disk nvme0n1 carries a file system mounted on /mnt/data (/proc/1/mountinfo: 36 27 259:0 / "
        "/mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw): type `umount /mnt/data`, or say force=1");
    expect_log(&stage, DISK " (nvme): is taken from its driver; the host has on it:");
    expect_log(&stage,
               DISK ":   disk nvme0n1 carries a file system mounted on /mnt/data (active; /proc/1/mountinfo");
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

Test(loss, does_by_force_what_the_host_can_do_without)
{
    autostage struct stage stage;

    stage_make(&stage);
    mount_disk(&stage, "36 27 259:0 / /mnt/data rw,relatime shared:1 - ext4 /dev/nvme0n1 rw\n");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'none', 'force': 1}",
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': ''}]}");
    expect_log(&stage, "carries a file system mounted on /mnt/data");
}

Test(loss, never_takes_the_root_file_system)
{
    autostage struct stage stage;

    stage_make(&stage);
    mount_disk(&stage, "27 1 259:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'force': 1}",
               "what the host cannot run without is never taken from its driver: " DISK
               " (nvme): disk nvme0n1 carries the root file system");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'none', 'force': 1}", "is never taken");
    expect_place(DISK, "nvme", "");
}

/* It stays where it is. */
Test(loss, asks_nothing_of_a_function_that_keeps_its_driver)
{
    autostage struct stage stage;

    stage_make(&stage);
    mount_disk(&stage, "27 1 259:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'nvme'}]}");
}

Test(loss, refuses_what_a_virtual_machine_has)
{
    autostage struct stage stage;

    stage_make(&stage);
    give_to_program(&stage);
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               DISK " (vfio-pci): given to qemu-system-x86 (pid 50), which has /dev/vfio/2 open "
                    "(/proc/50/fd: /dev/vfio/2): stop the virtual machine that has it, or say force=1");
    expect_place(DISK, "vfio-pci", "vfio-pci");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto', 'force': 1}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
}

/* One of the group is used: none of it is touched. */
Test(loss, refuses_all_for_one)
{
    autostage struct stage stage;

    stage_make(&stage);
    host_add(&stage.tree, "sound", "card0", "pci0000:00/" SOUND);
    tree_write(&stage.tree, "proc/asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 77\n");
    tree_write(&stage.tree, "proc/77/comm", "pipewire\n");
    stage_fail(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'group'}",
               SOUND " (snd_hda_intel): sound card card0 has a stream open in pipewire (pid 77)");
    expect_log(&stage, SCREEN " (nouveau): is taken from its driver; nothing is known to use it");
    expect_place(SCREEN, "nouveau", "");
    expect_place(SOUND, "snd_hda_intel", "");
    expect_quiet(&stage);
}

Test(loss, never_touches_a_bridge_that_is_named)
{
    static const char *const drivers[] = {"vfio-pci", "none", "auto", "restore", "pcieport"};
    autostage struct stage stage;

    stage_make(&stage);
    for (size_t i = 0; i < COUNT_OF(drivers); i++) {
        autofree char *arguments = xasprintf("{'id': '" PORT "', 'driver': '%s', 'force': 1}", drivers[i]);
        stage_fail(&stage, "driver", arguments, PORT " is a bridge (class 060400)");
    }
    stage_fail(&stage, "reset", "{'id': '" PORT "', 'force': 1}", PORT " is a bridge");
    expect_place(PORT, "pcieport", "");
    expect_quiet(&stage);
}

Test(loss, wants_an_iommu_group_for_vfio)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_fail(&stage, "driver", "{'id': '" ALONE "', 'driver': 'vfio-pci', 'force': 1}",
               ALONE
               " is in no IOMMU group, so that vfio-pci cannot have it: see what the host lacks with hostpci "
               "get /nodes/localhost/hardware/iommu");
    stage_do(&stage, "driver", "{'id': '" ALONE "', 'driver': 'none', 'scope': 'group'}",
             "{'functions': [{'id': '" ALONE "', 'before': 'ahci', 'driver': ''}]}");
}

Test(loss, says_what_could_not_be_looked_at)
{
    autostage struct stage stage;

    stage_make(&stage);
    tree_delete(&stage.tree, "proc/1/mountinfo");
    stage_do(&stage, "driver", TAKE_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    expect_log(&stage, "warning: more may be in use than is seen, as these could not be read: /proc/");
}

Test(loss, knows_what_is_not_there)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_fail(&stage, "driver", "{'id': '0000:77:00.0', 'driver': 'none'}",
               "no PCI device found for '0000:77:00.0'");
    stage_fail(&stage, "reset", "{'id': '0000:77:00.0'}", "no PCI device found for '0000:77:00.0'");
}
