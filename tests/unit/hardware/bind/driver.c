/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unbinding, probing and resetting a function on the played kernel: what each reads back, and its errors. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/bind/driver.h"
#include "hardware/bind/reset.h"
#include "tests/hosts/kernel.h"
#include "tests/unit/hardware/fixture.h"

#define DISK   "0000:02:00.0"
#define FOLDER "sys/bus/pci/devices/" DISK "/"

static struct pci_address disk;

static void make_disk(struct tree *tree)
{
    disk = address_of(DISK);
    tree_make(tree);
    tree_add_function(tree, DISK, "nvme", "10802", "144D:A808", "144D:A801");
    tree_write(tree, FOLDER "reset_method", "flr bus\n");
    tree_link(tree, FOLDER "iommu_group", "../../../../kernel/iommu_groups/2");
    kernel_install(tree->path);
}

static void expect_error(int result, const struct error *err, enum error_kind kind, const char *message)
{
    cr_expect_eq(result, -1);
    cr_expect_eq(err->kind, kind, "kind %d: %s", err->kind, err->message);
    cr_expect(strstr(err->message, message) != NULL, "'%s' should have '%s'", err->message, message);
}

Test(driver, has_a_name_of_plain_letters)
{
    static const char *const good[] = {"vfio-pci", "snd_hda_intel", "8139too", "none"};
    static const char *const bad[] = {"",
                                      "a/b",
                                      "..",
                                      "a b",
                                      "a.b",
                                      "\xc3\xa4",
                                      "0123456789012345678901234567890123456789012345678901234567890123"};

    for (size_t i = 0; i < COUNT_OF(good); i++)
        cr_expect(driver_name_is_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_not(driver_name_is_valid(bad[i]), "%s", bad[i]);
}

Test(driver, state_tells_who_is_there_and_who_has_it)
{
    autotree struct tree tree;
    struct driver_state state;
    struct error err;

    make_disk(&tree);
    cr_assert_eq(driver_read_state(tree.sysroot, disk, &state, &err), 0, "%s", err.message);
    cr_assert_eq(state.vendor, 0x144d);
    cr_assert_eq(state.device, 0xa808);
    cr_assert_str_eq(state.driver, "nvme");
    cr_assert_str_eq(state.override, "");
    kernel_put(DISK, "", "none");
    cr_assert_eq(driver_read_state(tree.sysroot, disk, &state, &err), 0, "%s", err.message);
    cr_assert_str_eq(state.driver, "");
    cr_assert_str_eq(state.override, "none");
}

/* An unbind that does not return has removed the link, but the driver is still at work. */
Test(driver, state_is_not_known_in_the_middle_of_an_unbind)
{
    autotree struct tree tree;
    struct driver_state state;
    struct error err;

    make_disk(&tree);
    tree_delete(&tree, FOLDER "driver");
    expect_error(driver_read_state(tree.sysroot, disk, &state, &err), &err, ERROR_BUSY,
                 "it is just being bound or unbound");
}

Test(driver, of_a_function_that_is_gone_is_not_found)
{
    autotree struct tree tree;
    char name[DRIVER_NAME_SIZE];
    struct driver_state state;
    struct reset_methods methods;
    struct error err;

    make_disk(&tree);
    kernel_unplug(DISK);
    const char *message = "no PCI device found for '" DISK "'";
    expect_error(driver_read_state(tree.sysroot, disk, &state, &err), &err, ERROR_NOT_FOUND, message);
    expect_error(driver_read_name(tree.sysroot, disk, name, &err), &err, ERROR_NOT_FOUND, message);
    expect_error(driver_set_override(tree.sysroot, disk, "x", &err), &err, ERROR_NOT_FOUND, message);
    expect_error(driver_unbind(tree.sysroot, disk, "nvme", &err), &err, ERROR_NOT_FOUND, message);
    expect_error(driver_probe(tree.sysroot, disk, NULL, name, &err), &err, ERROR_NOT_FOUND, message);
    expect_error(reset_read_methods(tree.sysroot, disk, &methods, &err), &err, ERROR_NOT_FOUND, message);
    expect_error(reset_run(tree.sysroot, disk, &err), &err, ERROR_NOT_FOUND, message);
}

Test(driver, override_is_set_and_cleared)
{
    autotree struct tree tree;
    struct error err;

    make_disk(&tree);
    cr_assert_eq(driver_set_override(tree.sysroot, disk, "vfio-pci", &err), 0, "%s", err.message);
    cr_assert_str_eq(kernel_override(DISK), "vfio-pci");
    cr_assert_eq(driver_set_override(tree.sysroot, disk, "", &err), 0, "%s", err.message);
    cr_assert_str_eq(kernel_override(DISK), "");
}

/* A write that succeeds is believed when its effect can be read. */
Test(driver, writes_are_read_back)
{
    autotree struct tree tree;
    char name[DRIVER_NAME_SIZE];
    struct error err;

    make_disk(&tree);
    kernel_uninstall(); /* from now on these are plain files */
    tree_write(&tree, "sys/bus/pci/drivers/nvme/unbind", "");
    expect_error(driver_unbind(tree.sysroot, disk, "nvme", &err), &err, ERROR_FAILED,
                 "the kernel took '" DISK "' for /sys/bus/pci/drivers/nvme/unbind, but nvme has it now");
    expect_error(driver_probe(tree.sysroot, disk, "vfio-pci", name, &err), &err, ERROR_FAILED,
                 "nvme took " DISK);
}

Test(driver, probe_finds_the_drivers_that_the_kernel_wants)
{
    autotree struct tree tree;
    char name[DRIVER_NAME_SIZE];
    struct error err;

    make_disk(&tree);
    kernel_put(DISK, "", "");
    cr_assert_eq(driver_probe(tree.sysroot, disk, NULL, name, &err), 0, "%s", err.message);
    cr_assert_str_eq(name, "nvme");
    kernel_put(DISK, "", "nosuch");
    cr_assert_eq(driver_probe(tree.sysroot, disk, NULL, name, &err), 0, "%s", err.message);
    cr_assert_str_eq(kernel_driver(DISK), "");
    expect_error(driver_probe(tree.sysroot, disk, "nosuch", name, &err), &err, ERROR_FAILED,
                 "nosuch did not take the device: it is not a driver for this device");
}

Test(driver, is_loaded_on_the_real_host_alone)
{
    autotree struct tree tree;
    struct error err;

    make_disk(&tree);
    cr_assert(driver_is_loaded(tree.sysroot, "vfio-pci"));
    cr_assert_not(driver_is_loaded(tree.sysroot, "nosuch"));
    expect_error(driver_load(tree.sysroot, "nosuch", &err), &err, ERROR_FAILED,
                 "the module nosuch is not loaded, and modules are loaded only where --sysroot is /");
}

Test(reset_methods, are_chosen_and_read_back)
{
    static const struct reset_methods only_bus = {.name = {"bus"}, .count = 1},
                                      wrong = {.name = {"pm"}, .count = 1};
    autotree struct tree tree;
    struct reset_methods methods;
    struct error err;

    make_disk(&tree);
    cr_assert_eq(reset_read_methods(tree.sysroot, disk, &methods, &err), 0, "%s", err.message);
    cr_assert_eq(methods.count, 2);
    cr_assert_str_eq(methods.name[0], "flr");
    cr_assert_str_eq(methods.name[1], "bus");
    cr_assert_eq(reset_choose(tree.sysroot, disk, &only_bus, &err), 0, "%s", err.message);
    cr_assert_str_eq(kernel_reset_methods(DISK), "bus");
    expect_error(reset_choose(tree.sysroot, disk, &wrong, &err), &err, ERROR_FAILED,
                 "cannot write 'pm' to /" FOLDER
                 "reset_method: Invalid argument (EINVAL): the device cannot be reset in that way");
    cr_assert_eq(reset_choose(tree.sysroot, disk, &methods, &err), 0, "%s", err.message);
    cr_assert_str_eq(kernel_reset_methods(DISK), "flr bus");
}

Test(reset_methods, of_any_length_are_words)
{
    struct reset_methods methods;
    struct error err;

    cr_assert_eq(reset_parse_methods("", &methods, &err), 0);
    cr_assert_eq(methods.count, 0);
    cr_assert_eq(reset_parse_methods(" flr  bus\n", &methods, &err), 0);
    autofree char *words = reset_join_methods(&methods);
    cr_assert_str_eq(words, "flr bus");
    expect_error(reset_parse_methods("1 2 3 4 5 6 7 8 9", &methods, &err), &err, ERROR_FAILED,
                 "the kernel lists reset methods that make no sense");
    expect_error(reset_parse_methods("a-word-that-is-longer-than-any-method", &methods, &err), &err,
                 ERROR_FAILED, "the kernel lists reset methods that make no sense");
    cr_assert_eq(methods.count, 2);
}
