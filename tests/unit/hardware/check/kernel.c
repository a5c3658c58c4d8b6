/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: modules, initramfs, the kernel log, and what cannot be read. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/hardware/check/fixture.h"

Test(check_host, knows_modules)
{
    static const struct broken cases[] = {
        {"not loaded",
         {{"sys/module/vfio_pci", NULL}},
         NULL,
         "vfio-pci-loaded",
         "info",
         "not loaded yet",
         "modprobe vfio_pci"},
        {"not loaded and blacklisted",
         {{"sys/module/vfio_pci", NULL}, {"etc/modprobe.d/b.conf", "blacklist vfio-pci\n"}},
         NULL,
         "vfio-pci-loaded",
         "warning",
         "kept from being loaded",
         "/etc/modprobe.d/b.conf"},
        {"not loaded and blacklisted by hostpci",
         {{"sys/module/vfio_pci", NULL},
          {"etc/modprobe.d/hostpci.conf",
           "# Written by hostpci: change it with `hostpci set /nodes/localhost/hardware/vfio`.\n"
           "blacklist vfio-pci\n"}},
         NULL,
         "vfio-pci-loaded",
         "warning",
         "kept from being loaded",
         "hostpci set /nodes/localhost/hardware/vfio --delete blacklist\nmodprobe vfio_pci"},
        {"built in",
         {{"sys/module/vfio", NULL},
          {"lib/modules/" RELEASE "/modules.builtin", "kernel/drivers/vfio/vfio.ko\n"}},
         NULL,
         "vfio-loaded",
         "ok",
         "built into",
         ""},
        {"built in, with parameters",
         {{"sys/module/vfio/initstate", NULL}},
         NULL,
         "vfio-loaded",
         "ok",
         "built into",
         ""},
        {"missing",
         {{"sys/module/vfio_iommu_type1", NULL}, {"lib/modules/" RELEASE "/modules.dep", "kernel/x.ko:\n"}},
         NULL,
         "vfio-iommu-type1-loaded",
         "error",
         "no module vfio_iommu_type1",
         "apt install"},
        {"the kernel's modules are gone",
         {{"sys/module/vfio_pci", NULL}, {"lib/modules", NULL}},
         NULL,
         "vfio-pci-loaded",
         "info",
         "whether it is available is unknown",
         "reboot"},
        {"needed before 6.2",
         {{"sys/module/vfio_virqfd", NULL}},
         NULL,
         "vfio-virqfd-loaded",
         "info",
         NULL,
         "modprobe"},
        {"not needed since",
         {{"sys/module/vfio_virqfd", NULL}, {"proc/sys/kernel/osrelease", "6.2.16-3-pve\n"}},
         NULL,
         "vfio-virqfd-loaded",
         NULL,
         NULL,
         NULL},
        {"not at boot",
         {{"etc/modules", "loop\n"}},
         NULL,
         "modules-at-boot",
         "info",
         NULL,
         "/etc/modules-load.d/vfio.conf"},
        {"at boot from elsewhere",
         {{"etc/modules", ""}, {"etc/modules-load.d/x.conf", "vfio_pci\n"}},
         NULL,
         "modules-at-boot",
         "ok",
         NULL,
         ""},
        {"ids without a colon",
         {{"etc/modprobe.d/v.conf", "options vfio-pci ids=10de,2484 disable_vga=1\n"}},
         NULL,
         "vfio-ids-syntax",
         "warning",
         "'10de'",
         "/etc/modprobe.d/v.conf"},
        {"ids as they should be",
         {{"etc/modprobe.d/v.conf", "options vfio-pci ids=10de:2484,8086:1572:8086:0001\n"}},
         NULL,
         "vfio-ids-syntax",
         NULL,
         NULL,
         NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

/* The order in which files are written is the order of their times. */
Test(check_host, sees_settings_that_the_initramfs_does_not_have)
{
    static const struct broken cases[] = {
        {"changed later",
         {{"boot/initrd.img-" RELEASE, ""}, {"etc/modprobe.d/v.conf", "blacklist nouveau\n"}},
         NULL,
         "initramfs-current",
         "warning",
         "v.conf",
         "update-initramfs -u -k all\nreboot"},
        {"changed before",
         {{"etc/modprobe.d/v.conf", "blacklist nouveau\n"}, {"boot/initrd.img-" RELEASE, ""}},
         NULL,
         "initramfs-current",
         "ok",
         NULL,
         ""},
        {"changed later, with dracut",
         {{"boot/initramfs-" RELEASE ".img", ""}, {"etc/modprobe.d/v.conf", "blacklist nouveau\n"}},
         NULL,
         "initramfs-current",
         "warning",
         "v.conf",
         "dracut"},
        {"no initramfs",
         {{"etc/modprobe.d/v.conf", "blacklist nouveau\n"}},
         NULL,
         "initramfs-current",
         NULL,
         NULL,
         NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_host, reads_the_kernel_log)
{
    static const struct broken cases[] = {
        {"enabled", {{NULL, NULL}}, NULL, "kernel-log-iommu", "ok", NULL, ""},
        {"AMD's words",
         {{"dev/kmsg", "6,2,1,-;AMD-Vi: Interrupt remapping enabled\n"},
          {"sys/class/iommu/dmar0", NULL},
          {"sys/class/iommu/ivhd0/uevent", ""}},
         NULL,
         "kernel-log-iommu",
         "ok",
         NULL,
         ""},
        {"overwritten since",
         {{"dev/kmsg", "6,2,1,-;usb 1-1: new device\n"}},
         NULL,
         "kernel-log-iommu",
         "info",
         "no longer",
         ""},
        {"unreadable", {{"dev/kmsg", NULL}}, NULL, "kernel-log-iommu", "info", "cannot be read", "dmesg"},
        {"from the log daemon",
         {{"dev/kmsg", NULL},
          {"var/log/kern.log",
           "host kernel: [ 0.1] Linux version 6.1\nhost kernel: [ 0.2] DMAR: IOMMU enabled\n"}},
         NULL,
         "kernel-log-iommu",
         "ok",
         NULL,
         ""},
        {"of an earlier boot",
         {{"dev/kmsg", NULL},
          {"var/log/kern.log", "kernel: DMAR: IOMMU enabled\nkernel: Linux version 6.1\nkernel: usb\n"}},
         NULL,
         "kernel-log-iommu",
         "info",
         "no longer",
         ""},
        {"a firmware bug",
         {{"dev/kmsg", "4,2,1,-;DMAR: [Firmware Bug]: No firmware reserved region can cover this RMRR\n"}},
         NULL,
         "kernel-log-problems",
         "warning",
         NULL,
         "dmesg"},
        {"faults",
         {{"dev/kmsg", "3,2,1,-;DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x0\n"}},
         NULL,
         "kernel-log-problems",
         "warning",
         NULL,
         NULL},
        {"no problem", {{NULL, NULL}}, NULL, "kernel-log-problems", NULL, NULL, NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_host, says_what_it_could_not_read)
{
    autotree struct tree tree;

    check_host_make(&tree);
    check_host_change(&tree, (struct change[]){{"proc/interrupts", NULL}, {"dev/kmsg", NULL}, {NULL, NULL}});
    autojson json_t *report = report_of(&tree, NULL);
    const json_t *check = check_in(report, "unreadable-files");
    expect_member(check, "evidence", "'/proc/interrupts: absent; /dev/kmsg: absent'");
    expect_member(report, "enabled", "1");
}

/* An empty machine: every file is absent, and the report says so without failing. */
Test(check_host, describes_a_host_that_tells_nothing)
{
    autotree struct tree tree;

    tree_make(&tree);
    autojson json_t *report = report_of(&tree, NULL);
    expect_member(report, "enabled", "0");
    expect_member(report, "groups", "0");
    cr_assert_not_null(check_in(report, "iommu-enabled"));
    cr_assert_not_null(check_in(report, "unreadable-files"));
}
