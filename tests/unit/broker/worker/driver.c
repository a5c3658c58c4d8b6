/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation driver: functions are taken from the host and given back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/stage.h"

#define ONE(id, before, driver)                                                                              \
    "{'functions': [{'id': '" id "', 'before': '" before "', 'driver': '" driver "'}]}"

Test(drive, takes_a_function_and_restores_it)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    expect_place(DISK, "vfio-pci", "vfio-pci");
    expect_log(&stage, DISK " (nvme): is taken from its driver; nothing is known to use it");
    expect_log(&stage, DISK ": has vfio-pci, had nvme");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

Test(drive, does_nothing_where_nothing_is_to_do)
{
    autostage struct stage stage;

    stage_make(&stage);
    unsigned writes = kernel_count(SYSFS_WRITE);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "nvme", "nvme"));
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    writes = kernel_count(SYSFS_WRITE);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "vfio-pci", "vfio-pci"));
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    expect_log(&stage, DISK ": stays with vfio-pci");
}

/* It was there when it was first taken, whatever happened since. */
Test(drive, restores_what_was_there_first)
{
    autostage struct stage stage;

    stage_make(&stage);
    kernel_add_driver("other");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'none'}", ONE(DISK, "nvme", ""));
    expect_place(DISK, "", "none");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'other'}", ONE(DISK, "", "other"));
    expect_place(DISK, "other", "other");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "other", "nvme"));
    expect_place(DISK, "nvme", "");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}",
               "it is not known what " DISK " had before");
    expect_quiet(&stage);
}

Test(drive, restores_a_function_that_had_no_driver)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" IDLE "', 'driver': 'vfio-pci'}", ONE(IDLE, "", "vfio-pci"));
    stage_do(&stage, "driver", "{'id': '" IDLE "', 'driver': 'restore'}", ONE(IDLE, "vfio-pci", ""));
    expect_place(IDLE, "", "");
}

/* Of several drivers that fit the kernel might take another one than before. */
Test(drive, restores_the_very_driver)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    kernel_add_driver("other");
    kernel_choose(DISK, "other");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_place(DISK, "nvme", "");
}

Test(drive, auto_leaves_the_choice_to_the_kernel)
{
    autostage struct stage stage;

    stage_make(&stage);
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_place(DISK, "nvme", "");
    kernel_put(DISK, "", "none");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "", "nvme"));
    kernel_put(IDLE, "vfio-pci", "vfio-pci");
    stage_do(&stage, "driver", "{'id': '" IDLE "', 'driver': 'auto'}", ONE(IDLE, "vfio-pci", ""));
    expect_place(IDLE, "", "");
}

Test(drive, auto_tries_the_modules_that_fit)
{
    autostage struct stage stage;

    stage_make(&stage);
    tree_write(&stage.tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
    tree_write(&stage.tree, "lib/modules/6.1.0-test/modules.alias", "alias pci:v00008086d* i40e\n");
    stage_do(&stage, "driver", "{'id': '" IDLE "', 'driver': 'auto'}", ONE(IDLE, "", ""));
    expect_log(&stage, IDLE ": module i40e could not be loaded: ");
}

Test(drive, wants_a_driver_that_is_there)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'nosuch'}", "the module nosuch is not loaded");
    expect_place(DISK, "nvme", "");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': '../x'}", "driver");
    expect_quiet(&stage);
}

/* The kernel says yes to drivers_probe also if nobody takes the function. */
Test(drive, notices_that_nothing_was_bound)
{
    autostage struct stage stage;

    stage_make(&stage);
    kernel_refuse(DISK, "vfio-pci");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}",
               "the kernel took '" DISK
               "' for /sys/bus/pci/drivers_probe, but vfio-pci did not take the device");
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

Test(drive, takes_a_whole_card_or_group_but_no_bridge)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" SOUND "', 'driver': 'vfio-pci', 'scope': 'device'}",
             "{'functions': [{'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'vfio-pci'},"
             " {'id': '" SCREEN "', 'before': 'nouveau', 'driver': 'vfio-pci'}]}");
    stage_do(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'restore', 'scope': 'group'}",
             "{'functions': [{'id': '" SCREEN "', 'before': 'vfio-pci', 'driver': 'nouveau'},"
             " {'id': '" SOUND "', 'before': 'vfio-pci', 'driver': 'snd_hda_intel'}]}");
    expect_place(PORT, "pcieport", "");
    expect_quiet(&stage);
}

/* Those that came along by their scope are left as they are, when they never were taken. */
Test(drive, restores_of_a_group_what_was_taken)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'none'}", ONE(SCREEN, "nouveau", ""));
    stage_do(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'restore', 'scope': 'group'}",
             "{'functions': [{'id': '" SCREEN "', 'before': '', 'driver': 'nouveau'},"
             " {'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'snd_hda_intel'}]}");
    expect_log(&stage, SOUND ": was not taken before, and stays as it is");
}

Test(drive, warns_of_a_group_that_is_not_whole)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci'}",
             ONE(SCREEN, "nouveau", "vfio-pci"));
    expect_log(
        &stage,
        "warning: IOMMU group 1 cannot be given to a VM as long as these have drivers of the host: " SOUND
        " (snd_hda_intel)");
    expect_log(&stage,
               "hostpci set /nodes/localhost/hardware/pci/" SCREEN "/driver --driver vfio-pci --scope group");
}

Test(drive, keeps_a_choice_for_good_and_forgets_it)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}",
             ONE(DISK, "nvme", "vfio-pci"));
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_log(&stage, DISK ": the choice that was made for good stays: the next start gives it to vfio-pci");
    autojson json_t *kept = stage_ask(&stage, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(json_object_get(kept, "functions"), DISK), "choice",
                  "{'driver': 'vfio-pci', 'vendor': 5197, 'device': 43016}");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto', 'persistent': 0}",
             ONE(DISK, "nvme", "nvme"));
    autojson json_t *forgotten = stage_ask(&stage, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(forgotten, "functions"), DISK, "{}");
}

/* What the slot had before is not what this card had. */
Test(drive, does_not_restore_what_another_card_had)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'none'}", ONE(DISK, "nvme", ""));
    tree_write(&stage.tree, "sys/bus/pci/devices/" DISK "/device", "0x1234\n");
    tree_add_function(&stage.tree, DISK, NULL, "10802", "144D:1234", "144D:A801");
    stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}",
               "it is not known what " DISK " had");
}

/* Errors name the file, the value and what the kernel said, and where everything is. */
Test(drive, explains_what_the_kernel_refused)
{
    static const struct {
        const char *file;
        int error;
        const char *message;
    } cases[] = {
        {"driver_override", EIO,
         "cannot write 'vfio-pci' to /sys/bus/pci/devices/" DISK
         "/driver_override: Input/output error (EIO): the device or its driver failed"},
        {"nvme/unbind", EBUSY,
         "cannot write '" DISK "' to /sys/bus/pci/drivers/nvme/unbind: Device or resource "
         "busy (EBUSY): the driver does not let go"},
        {"nvme/unbind", ENODEV, "that driver does not have it any more"},
        {"nvme/unbind", ENOENT, "that driver is gone"},
        {"drivers_probe", EPERM, "the broker is not root, or the kernel is locked down"},
        {"drivers_probe", EINVAL, "a driver that fits failed to take it"},
        {"drivers_probe", ENOSPC, "the kernel has no room left"},
    };
    autostage struct stage stage;

    stage_make(&stage);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        kernel_set_fault(&(struct kernel_fault){
            .access = SYSFS_WRITE, .path = cases[i].file, .first = 1, .error = cases[i].error});
        stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", cases[i].message);
        expect_place(DISK, "nvme", "");
        stage_fail(&stage, "driver", "{'id': '" DISK "', 'driver': 'restore'}", "it is not known");
    }
    expect_quiet(&stage);
}

/* The second function of a card fails: the first goes back as well. */
Test(drive, undoes_all_when_one_fails)
{
    autostage struct stage stage;

    stage_make(&stage);
    kernel_refuse(SOUND, "vfio-pci");
    stage_fail(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}",
               SOUND " is back with snd_hda_intel, " SCREEN " is back with nouveau");
    expect_place(SCREEN, "nouveau", "");
    expect_place(SOUND, "snd_hda_intel", "");
    expect_log(&stage, SCREEN ": has vfio-pci, had nouveau");
    expect_quiet(&stage);
}

Test(drive, goes_forward_where_there_is_no_way_back)
{
    autostage struct stage stage;

    stage_make(&stage);
    kernel_refuse(SOUND, "vfio-pci");
    kernel_refuse(SCREEN, "nouveau");
    stage_fail(&stage, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}",
               SCREEN " could not go back and is where it was asked to be, with vfio-pci");
    expect_place(SCREEN, "vfio-pci", "vfio-pci");
    expect_place(SOUND, "snd_hda_intel", "");
    expect_quiet(&stage);
}

/* At whichever step it is pulled out: the other function is where it was or where it should be. */
Test(drive, survives_the_loss_of_a_function_at_each_step)
{
    for (unsigned step = 1;; step++) {
        autostage struct stage stage;
        struct error err = {.message = ""};
        stage_make(&stage);
        kernel_set_fault(&(struct kernel_fault){.access = SYSFS_WRITE, .first = step, .unplug = SOUND});
        autojson json_t *result = stage_try(
            &stage, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}", &err);
        bool all_done = kernel_fault_count() < step;
        cr_assert_eq(result != NULL, all_done, "step %u: %s", step, err.message);
        if (all_done)
            break;
        cr_expect(strstr(err.message, SOUND " is gone") != NULL, "step %u: %s", step, err.message);
        expect_place(SCREEN, "nouveau", "");
        expect_quiet(&stage);
    }
}
