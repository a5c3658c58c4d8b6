/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths below /sys and /proc. */
#include <criterion/criterion.h>
#include <string.h>

#include "hardware/paths.h"
#include "hardware/pci/address.h"

Test(paths, have_a_folder_a_name_and_perhaps_a_file)
{
    struct pci_address address = {.domain = 0x10000, .bus = 1, .device = 2, .function = 3};

    cr_expect_str_eq(path_below(SYS_CLASS_NET, "eth0", NULL).text, "sys/class/net/eth0");
    cr_expect_str_eq(path_below(SYS_CLASS_NET, "eth0", "mtu").text, "sys/class/net/eth0/mtu");
    cr_expect_str_eq(path_of_function("0000:01:00.0", "driver").text,
                     "sys/bus/pci/devices/0000:01:00.0/driver");
    cr_expect_str_eq(pci_path(address, "driver").text, "sys/bus/pci/devices/10000:01:02.3/driver");
    cr_expect_str_eq(path_of_group(12, "type").text, "sys/kernel/iommu_groups/12/type");
    cr_expect_str_eq(path_of_process(1, "stat").text, "proc/1/stat");
}

/* '-' and '_' are the same in a module's name, but the kernel's folder has '_'. */
Test(paths, of_a_module_are_spelled_as_the_kernel_does)
{
    cr_expect_str_eq(path_of_module("vfio-pci", NULL).text, "sys/module/vfio_pci");
    cr_expect_str_eq(path_of_module("vfio-pci", "parameters/a-b").text, "sys/module/vfio_pci/parameters/a-b");
}

Test(paths, that_are_too_long_are_empty)
{
    char name[sizeof(struct host_path)];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    cr_expect_str_eq(path_below(SYS_CLASS_NET, name, NULL).text, "");
    cr_expect_str_eq(path_of_module(name, "initstate").text, "");
}
