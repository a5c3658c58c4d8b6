/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation driver: functions are detached from the host and given back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"

#define ONE(id, before, driver)                                                                              \
    "{'functions': [{'id': '" id "', 'before': '" before "', 'driver': '" driver "'}]}"

/* A module that can be loaded, for the devices that the pattern matches. */
static void add_module(const struct testbed *testbed, const char *name, const char *alias)
{
    autofree char *aliases =
        xasprintf("alias net-pf-21 rds\nalias pci:v00008086d* i40e\nalias %s %s\n", alias, name);
    autofree char *files =
        xasprintf("kernel/net/rds/rds.ko: \nkernel/drivers/%s.ko.xz: kernel/lib/x.ko\n", name);

    tree_write(&testbed->tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
    tree_write(&testbed->tree, "lib/modules/6.1.0-test/modules.alias", aliases);
    tree_write(&testbed->tree, "lib/modules/6.1.0-test/modules.dep", files);
}

Test(broker_driver, takes_a_function_and_restores_it)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    expect_log(&testbed, DISK " (nvme): is taken from its driver; nothing is known to use it");
    expect_log(&testbed, DISK ": has vfio-pci, had nvme");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

Test(broker_driver, does_nothing_where_nothing_is_to_do)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    unsigned writes = kernel_count(SYSFS_WRITE);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "nvme", "nvme"));
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    writes = kernel_count(SYSFS_WRITE);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}",
               ONE(DISK, "vfio-pci", "vfio-pci"));
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    expect_log(&testbed, DISK ": stays with vfio-pci");
}

/* The function had it when it was first taken, whatever happened since. */
Test(broker_driver, restores_what_was_there_first)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_add_driver("other");
    add_module(&testbed, "other", "pci:v0000144Dd*");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'none'}", ONE(DISK, "nvme", ""));
    expect_binding(DISK, "", "none");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'other'}", ONE(DISK, "", "other"));
    expect_binding(DISK, "other", "other");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "other", "nvme"));
    expect_binding(DISK, "nvme", "");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}",
                 "it is not known what " DISK " had before");
    expect_nothing_open(&testbed);
}

Test(broker_driver, restores_a_function_that_had_no_driver)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'vfio-pci'}", ONE(IDLE, "", "vfio-pci"));
    testbed_do(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'restore'}", ONE(IDLE, "vfio-pci", ""));
    expect_binding(IDLE, "", "");
}

/* Of several drivers that match, the kernel might choose another one than before. */
Test(broker_driver, restores_the_very_driver)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", ONE(DISK, "nvme", "vfio-pci"));
    kernel_add_driver("other");
    kernel_choose(DISK, "other");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_binding(DISK, "nvme", "");
}

Test(broker_driver, auto_leaves_the_choice_to_the_kernel)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_binding(DISK, "nvme", "");
    kernel_put(DISK, "", "none");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}", ONE(DISK, "", "nvme"));
    kernel_put(IDLE, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'auto'}", ONE(IDLE, "vfio-pci", ""));
    expect_binding(IDLE, "", "");
}

Test(broker_driver, auto_tries_the_modules_that_fit)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
    tree_write(&testbed.tree, "lib/modules/6.1.0-test/modules.alias", "alias pci:v00008086d* i40e\n");
    testbed_do(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'auto'}", ONE(IDLE, "", ""));
    expect_log(&testbed, IDLE ": module i40e could not be loaded: ");
}

Test(broker_driver, wants_a_driver_that_is_there)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'nosuch'}",
                 "the module nosuch is not loaded");
    expect_binding(DISK, "nvme", "");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': '../x'}", "driver");
    expect_nothing_open(&testbed);
}

/* driver_override bypasses a driver's ids, and a module that was loaded stays. */
Test(broker_driver, gives_a_function_to_no_driver_that_is_not_made_for_it)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_module(&testbed, "mpt3sas", "pci:v00001000d*");
    testbed_fail(
        &testbed, "driver", "{'id': '" DISK "', 'driver': 'e1000e'}",
        DISK " is not given to e1000e, as none of its ids is that device's: choose one that takes any device "
             "(vfio-pci, pci-stub)");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'nvme', 'force': 1}",
                 "choose i40e, or one that");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'mpt3sas'}", "is not given to mpt3sas");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'nouveau', 'scope': 'device'}",
                 SOUND " is not given to nouveau");
    expect_binding(DISK, "nvme", "");
    expect_binding(IDLE, "", "");
    expect_binding(SCREEN, "nouveau", "");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'nvme'}", ONE(DISK, "nvme", "nvme"));
    kernel_add_driver("pci-stub");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'pci-stub'}", ONE(DISK, "nvme", "pci-stub"));
    expect_nothing_open(&testbed);
}

Test(broker_driver, loads_no_alias_and_nothing_that_is_not_for_the_device)
{
    static const char *const names[] = {"net-pf-21", "tty-ldisc-13", "i40e"};
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_module(&testbed, "mpt3sas", "pci:v00001000d*");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        autofree char *arguments = xasprintf("{'id': '" IDLE "', 'driver': '%s'}", names[i]);
        autofree char *text =
            xasprintf("the module %s is not loaded, and this kernel has none of that name: for " IDLE
                      " choose i40e, or one that takes any device",
                      names[i]);
        testbed_fail(&testbed, "driver", arguments, text);
    }
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'rds'}", "is not given to rds");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'mlx5_vfio_pci'}",
                 "this kernel has none of that name: a kernel of the distribution has it");
    expect_nothing_open(&testbed);
}

Test(broker_driver, loads_nothing_that_is_blacklisted)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_module(&testbed, "ice_net", "pci:v00008086d*");
    tree_write(&testbed.tree, "etc/modprobe.d/a.conf", "options x y=1\nblacklist ice-net\n");
    testbed_fail(
        &testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice_net'}",
        "the module ice_net is not loaded, because line 2 of '/etc/modprobe.d/a.conf' keeps it out: to load "
        "it nevertheless, type `modprobe ice_net` and try again");
    tree_write(&testbed.tree, "etc/modprobe.d/a.conf", "install ice_net /bin/false\n");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice-net'}",
                 "type `modprobe --ignore-install ice-net`");
    tree_write(&testbed.tree, "etc/modprobe.d/a.conf", "");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice_net'}",
                 "modules are loaded only where --sysroot is /");
    tree_write(&testbed.tree, "proc/cmdline", "quiet modprobe.blacklist=x,ice-net ro\n");
    testbed_fail(
        &testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice_net'}",
        "the module ice_net is not loaded, because modprobe.blacklist= on the kernel's command line keeps "
        "it out: remove it there and restart the host, or type `modprobe ice_net` and try again");
    tree_write(&testbed.tree, "proc/cmdline", "module_blacklist=ice_net\n");
    testbed_fail(
        &testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice_net'}",
        "module_blacklist= on the kernel's command line keeps it out: remove it there and restart the host");
    tree_write(&testbed.tree, "proc/cmdline", "module_blacklist=ice\n");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'ice_net'}",
                 "modules are loaded only where --sysroot is /");
    kernel_remove_driver("vfio-pci");
    add_module(&testbed, "vfio-pci", "pci:v00001000d*");
    tree_write(&testbed.tree, "etc/modprobe.d/a.conf", "blacklist vfio_pci\n");
    testbed_fail(&testbed, "driver", "{'id': '" IDLE "', 'driver': 'vfio-pci'}", "keeps it out");
    expect_nothing_open(&testbed);
}

/* The write to drivers_probe succeeds even if no driver takes the function. */
Test(broker_driver, notices_that_nothing_was_bound)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_refuse(DISK, "vfio-pci");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}",
                 "the kernel took '" DISK
                 "' for /sys/bus/pci/drivers_probe, but vfio-pci did not take the device");
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

Test(broker_driver, takes_a_whole_card_or_group_but_no_bridge)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" SOUND "', 'driver': 'vfio-pci', 'scope': 'device'}",
               "{'functions': [{'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'vfio-pci'},"
               " {'id': '" SCREEN "', 'before': 'nouveau', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'restore', 'scope': 'group'}",
               "{'functions': [{'id': '" SCREEN "', 'before': 'vfio-pci', 'driver': 'nouveau'},"
               " {'id': '" SOUND "', 'before': 'vfio-pci', 'driver': 'snd_hda_intel'}]}");
    expect_binding(PORT, "pcieport", "");
    expect_nothing_open(&testbed);
}

/* Functions that belong to the scope but never were taken are left as they are. */
Test(broker_driver, restores_of_a_group_what_was_taken)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'none'}", ONE(SCREEN, "nouveau", ""));
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'restore', 'scope': 'group'}",
               "{'functions': [{'id': '" SCREEN "', 'before': '', 'driver': 'nouveau'},"
               " {'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'snd_hda_intel'}]}");
    expect_log(&testbed, SOUND ": its driver was not changed before; it stays as it is");
}

Test(broker_driver, warns_of_a_group_that_is_not_whole)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci'}",
               ONE(SCREEN, "nouveau", "vfio-pci"));
    expect_log(
        &testbed,
        "warning: IOMMU group 1 cannot be given to a VM as long as these have drivers of the host: " SOUND
        " (snd_hda_intel)");
    expect_log(&testbed,
               "hostpci set /nodes/localhost/hardware/pci/" SCREEN "/driver --driver vfio-pci --scope group");
}

Test(broker_driver, keeps_a_choice_for_good_and_forgets_it)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}",
               ONE(DISK, "nvme", "vfio-pci"));
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", ONE(DISK, "vfio-pci", "nvme"));
    expect_log(&testbed,
               DISK ": its persistent driver is still vfio-pci: the next start gives it to vfio-pci");
    autojson json_t *kept = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(json_object_get(kept, "functions"), DISK), "choice",
                  "{'driver': 'vfio-pci', 'vendor': 5197, 'device': 43016}");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto', 'persistent': 0}",
               ONE(DISK, "nvme", "nvme"));
    autojson json_t *forgotten = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(forgotten, "functions"), DISK, "{}");
}

/* What another device in the slot had is not what this one had. */
Test(broker_driver, does_not_restore_what_another_card_had)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'none'}", ONE(DISK, "nvme", ""));
    tree_write(&testbed.tree, "sys/bus/pci/devices/" DISK "/device", "0x1234\n");
    tree_add_function(&testbed.tree, DISK, NULL, "10802", "144D:1234", "144D:A801");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}",
                 "it is not known what " DISK " had");
}

/* Errors name the file, the value, what the kernel said, and where each function is. */
Test(broker_driver, explains_what_the_kernel_refused)
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
         "busy (EBUSY): the driver refuses to release it"},
        {"nvme/unbind", ENODEV, "that driver is not bound to it any more"},
        {"nvme/unbind", ENOENT, "that driver is gone"},
        {"drivers_probe", EPERM, "the broker is not root, or the kernel is locked down"},
        {"drivers_probe", EINVAL, "a matching driver failed to start it"},
        {"drivers_probe", ENOSPC, "the kernel has no room left"},
    };
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        kernel_set_fault(&(struct kernel_fault){
            .access = SYSFS_WRITE, .path = cases[i].file, .first = 1, .error = cases[i].error});
        testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}", cases[i].message);
        expect_binding(DISK, "nvme", "");
        testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", "it is not known");
    }
    expect_nothing_open(&testbed);
}

/* If the second function of a card fails, the first one goes back as well. */
Test(broker_driver, undoes_all_when_one_fails)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_refuse(SOUND, "vfio-pci");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}",
                 SOUND " is back with snd_hda_intel, " SCREEN " is back with nouveau");
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    expect_log(&testbed, SCREEN ": has vfio-pci, had nouveau");
    expect_nothing_open(&testbed);
}

Test(broker_driver, goes_forward_where_there_is_no_way_back)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_refuse(SOUND, "vfio-pci");
    kernel_refuse(SCREEN, "nouveau");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}",
                 SCREEN " could not be restored and was left as requested, with vfio-pci");
    expect_binding(SCREEN, "vfio-pci", "vfio-pci");
    expect_binding(SOUND, "snd_hda_intel", "");
    expect_nothing_open(&testbed);
}

/* A function is unplugged at each step in turn: the other one is where it was or where it should be. */
Test(broker_driver, survives_the_loss_of_a_function_at_each_step)
{
    for (unsigned step = 1;; step++) {
        autotestbed struct testbed testbed;
        struct error err = {.message = ""};
        testbed_make(&testbed);
        kernel_set_fault(&(struct kernel_fault){.access = SYSFS_WRITE, .first = step, .unplug = SOUND});
        autojson json_t *result = testbed_try(
            &testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'scope': 'device'}", &err);
        bool all_done = kernel_fault_count() < step;
        cr_assert_eq(result != NULL, all_done, "step %u: %s", step, err.message);
        if (all_done)
            break;
        cr_expect(strstr(err.message, SOUND " is gone") != NULL, "step %u: %s", step, err.message);
        expect_binding(SCREEN, "nouveau", "");
        expect_nothing_open(&testbed);
    }
}

/* The kernel binds nothing by itself to virtual functions that are meant for VMs. */
Test(broker_driver, auto_finds_one_for_a_virtual_function_that_is_kept_from_drivers)
{
    static const char first[] = "0000:03:10.0";
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_add_sriov(NETWORK, &(struct kernel_sriov){7, 128, 2, 0x10ca, 40, "igbvf"});
    json_decref(testbed_ask(&testbed, "sriov", "{'id': '" NETWORK "', 'numvfs': 1}"));
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'auto'}", ONE("0000:03:10.0", "", ""));
    add_module(&testbed, "igbvf", "pci:v00008086d000010CA*");
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'auto'}",
               ONE("0000:03:10.0", "", "igbvf"));
    expect_binding(first, "igbvf", "");
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'vfio-pci'}",
               ONE("0000:03:10.0", "igbvf", "vfio-pci"));
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'restore'}",
               ONE("0000:03:10.0", "vfio-pci", "igbvf"));
    kernel_refuse(first, "igbvf");
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'vfio-pci'}",
               ONE("0000:03:10.0", "igbvf", "vfio-pci"));
    testbed_do(&testbed, "driver", "{'id': '0000:03:10.0', 'driver': 'auto'}",
               ONE("0000:03:10.0", "vfio-pci", ""));
    expect_binding(first, "", "");
    expect_nothing_open(&testbed);
}

/* driverctl would set its own at each boot, and nobody knows in which order. */
Test(broker_driver, is_not_kept_where_somebody_else_keeps_one)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "etc/driverctl.d/pci-" SCREEN, "pci-stub\n");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'persistent': 1}",
                 "type `driverctl unset-override " SCREEN "`");
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
    json_decref(testbed_ask(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci'}"));
    tree_delete(&testbed.tree, "etc/driverctl.d/pci-" SCREEN);
    json_decref(
        testbed_ask(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'persistent': 1}"));
}

#define VARIANT "screen_vfio_pci"

/* A VFIO driver that is made for the screen. */
static void add_variant(const struct testbed *testbed)
{
    add_module(testbed, VARIANT, "vfio_pci:v000010DEd00002484sv*sd*bc*sc*i*");
}

Test(broker_driver, vfio_is_the_driver_that_is_made_for_the_function)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_variant(&testbed);
    kernel_add_driver(VARIANT);
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio', 'scope': 'device'}",
               "{'functions': [{'id': '" SCREEN "', 'before': 'nouveau', 'driver': '" VARIANT "'},"
               " {'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'vfio-pci'}]}");
    expect_binding(SCREEN, VARIANT, VARIANT);
    expect_binding(SOUND, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci'}",
               ONE(SCREEN, VARIANT, "vfio-pci"));
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio'}",
               ONE(SCREEN, "vfio-pci", VARIANT));
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'auto'}", ONE(SCREEN, VARIANT, "nouveau"));
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
}

Test(broker_driver, vfio_falls_back_and_says_so)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_variant(&testbed);
    kernel_add_driver(VARIANT);
    kernel_refuse(SCREEN, VARIANT);
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio', 'scope': 'device'}",
               "{'functions': [{'id': '" SCREEN "', 'before': 'nouveau', 'driver': 'vfio-pci'},"
               " {'id': '" SOUND "', 'before': 'snd_hda_intel', 'driver': 'vfio-pci'}]}");
    expect_log(&testbed, SCREEN ": gets vfio-pci, as " VARIANT " did not work: the kernel took '" SCREEN "'");
    expect_binding(SCREEN, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'restore'}",
               ONE(SCREEN, "vfio-pci", "nouveau"));
    expect_nothing_open(&testbed);
}

/* What it falls back to may not work either, or the next function's driver. */
Test(broker_driver, that_fell_back_is_undone_as_a_whole)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_variant(&testbed);
    kernel_add_driver(VARIANT);
    kernel_refuse(SCREEN, VARIANT);
    kernel_refuse(SOUND, "vfio-pci");
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio', 'scope': 'device'}",
                 SCREEN " is back with nouveau");
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    kernel_refuse(SOUND, "");
    kernel_remove_driver("vfio-pci");
    add_variant(&testbed);
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio'}",
                 "the module vfio-pci is not loaded");
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
}

Test(broker_driver, vfio_is_plain_where_the_better_one_is_not_there)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_variant(&testbed); /* which modprobe could load, but not for this tree */
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio'}",
               ONE(SCREEN, "nouveau", "vfio-pci"));
    expect_log(&testbed, SCREEN ": gets vfio-pci, as " VARIANT " did not work: the module " VARIANT
                                " is not loaded, and modules are loaded only where --sysroot is /");
    tree_write(&testbed.tree, "etc/modprobe.d/a.conf", "blacklist " VARIANT "\n");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio'}",
               ONE(SCREEN, "vfio-pci", "vfio-pci"));
    expect_log(&testbed, SCREEN ": gets vfio-pci, not the driver that is made for it: the module " VARIANT
                                " is not loaded, because line 1 of '/etc/modprobe.d/a.conf' keeps it out");
    tree_write(&testbed.tree, "lib/modules/6.1.0-test/modules.dep", "");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio'}",
               ONE(SCREEN, "vfio-pci", "vfio-pci"));
    expect_log(&testbed, SCREEN ": gets vfio-pci, not the driver that is made for it: the module " VARIANT
                                " is not loaded, and this kernel has none of that name");
    expect_nothing_open(&testbed);
}

/* A variant driver knows its own devices only. */
Test(broker_driver, that_is_a_variant_is_given_to_its_own_devices_alone)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    add_variant(&testbed);
    kernel_add_driver(VARIANT);
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': '" VARIANT "'}",
                 DISK " is not given to " VARIANT ", as none of its ids is that device's");
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': '" VARIANT "'}",
               ONE(SCREEN, "nouveau", VARIANT));
    testbed_fail(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'i40e'}",
                 "choose " VARIANT ", or one that takes any device");
    expect_nothing_open(&testbed);
}

Test(broker_driver, vfio_is_chosen_anew_at_each_start)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'vfio', 'persistent': 1}",
               ONE(SCREEN, "nouveau", "vfio-pci"));
    autojson json_t *kept = testbed_ask(&testbed, "state", "{'id': '" SCREEN "'}");
    expect_member(json_object_get(json_object_get(kept, "functions"), SCREEN), "choice",
                  "{'driver': 'vfio', 'vendor': 4318, 'device': 9348}");
    add_variant(&testbed);
    kernel_add_driver(VARIANT);
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(SCREEN, VARIANT, VARIANT);
}
