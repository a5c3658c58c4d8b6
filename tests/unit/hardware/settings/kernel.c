/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the kernel's command line. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/settings/kernel.h"
#include "tests/unit/hardware/fixture.h"

Test(settings_kernel, only_what_passthrough_needs_can_be_set)
{
    static const char *const good[] = {"intel_iommu=on",
                                       "intel_iommu=on,sm_on iommu=pt",
                                       "amd-iommu=force_isolation",
                                       "pcie_acs_override=downstream,multifunction",
                                       "pcie_acs_override=id:8086:1901",
                                       "pci=realloc,hpmmioprefsize=256M,noaer",
                                       "pci=resource_alignment=20@0000:01:00.0",
                                       "vfio-pci.ids=10de:2484,10de:228b",
                                       "vfio_iommu_type1.allow_unsafe_interrupts=1",
                                       "video=efifb:off",
                                       "video=HDMI-A-1:d",
                                       "initcall_blacklist=sysfb_init",
                                       "i915.enable_gvt=1",
                                       "nomodeset"};
    static const char *const bad[] = {"init=/bin/sh",
                                      "intel_iommu",
                                      "intel_iommu=",
                                      "intel_iommu=on,",
                                      "intel_iommu=on;init=/bin/sh",
                                      "iommu=pt init=/bin/sh",
                                      "initcall_blacklist=selinux_init",
                                      "pci=realloc=$(id)",
                                      "pci=resource_alignment=20@0000:01:00.0;halt", /* a command of GRUB's */
                                      "pci=resource_alignment=",
                                      "video=efifb:off\"",
                                      "nomodeset=1",
                                      "modprobe.blacklist=nvme",
                                      "module.sig_enforce=0",
                                      "vfio_pci.ids=10de:2484/..",
                                      "lockdown=none"};
    struct error err = {.message = ""};

    for (size_t i = 0; i < COUNT_OF(good); i++)
        cr_expect_eq(kernel_parameters_check("kernel", good[i], &err), 0, "%s: %s", good[i], err.message);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cr_expect_eq(kernel_parameters_check("kernel", bad[i], &err), -1, "%s is taken", bad[i]);
        cr_expect_str_eq(err.field, "kernel");
    }
    cr_expect_eq(kernel_parameter_names_check("kernel-remove", "iommu intel-iommu", &err), 0);
    cr_expect_eq(kernel_parameter_names_check("kernel-remove", "iommu=pt", &err), -1);
    cr_expect_eq(kernel_parameter_names_check("kernel-remove", "root", &err), -1);
}

Test(settings_kernel, a_line_is_changed_where_it_has_to_be)
{
    static const struct {
        const char *line, *set, *remove, *result;
    } cases[] = {
        {"quiet", "intel_iommu=on", NULL, "quiet intel_iommu=on"},
        {"", "intel_iommu=on iommu=pt", NULL, "intel_iommu=on iommu=pt"},
        {"quiet intel_iommu=off splash", "intel_iommu=on", NULL, "quiet intel_iommu=on splash"},
        {"iommu=soft quiet iommu=off", "iommu=pt", NULL, "iommu=pt quiet"},
        {"quiet vfio_pci.ids=1234:5678", "vfio-pci.ids=10de:2484", NULL, "quiet vfio-pci.ids=10de:2484"},
        {"quiet intel_iommu=on iommu=pt", NULL, "iommu", "quiet intel_iommu=on"},
        {"intel_iommu=on", NULL, "intel-iommu", ""},
        {"quiet", NULL, "iommu", "quiet"},
        {"dyndbg=\"file a.c +p\" iommu=pt", NULL, "iommu", "dyndbg=\"file a.c +p\""},
        {"quiet", "iommu=pt iommu=off", NULL, "quiet iommu=off"},
        {"iommu.passthrough=1 iommu=off", "iommu=pt", NULL, "iommu.passthrough=1 iommu=pt"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autofree char *result = kernel_line_change(cases[i].line, cases[i].set, cases[i].remove);
        cr_expect_str_eq(result, cases[i].result, "%s: %s", cases[i].line, result);
    }
    expect_json(kernel_line_list("root=/dev/sda1 quiet intel_iommu=on \"x y\" pci=noaer"),
                "['intel_iommu=on', 'pci=noaer']");
}
