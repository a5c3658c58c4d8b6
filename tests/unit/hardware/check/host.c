/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: what is said of each way in which it can be set up wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/check.h"
#include "tests/unit/hardware/check/fixture.h"

#define NO_IOMMU                                                                                             \
    {"sys/class/iommu/dmar0", NULL}, {PCI "0000:00:01.0/iommu_group", NULL},                                 \
        {PCI CARD "/iommu_group", NULL}, {PCI "0000:01:00.1/iommu_group", NULL},                             \
        {PCI NETWORK "/iommu_group", NULL},                                                                  \
    {                                                                                                        \
        PCI GRAPHICS "/iommu_group", NULL                                                                    \
    }
/* Also in the file that it comes from. */
#define CMDLINE(text)                                                                                        \
    {"proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro " text "\n"},                               \
        {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"" text "\"\n"}
#define CPU(vendor, flags)                                                                                   \
    {"proc/cpuinfo", "processor\t: 0\nvendor_id\t: " vendor "\nmodel name\t: A CPU\nflags\t\t: " flags "\n"}
#define NO_CHIPS     {"proc/interrupts", "  1:  9  IO-APIC  1-edge  i8042\n"}
#define CONFIG(text) {"boot/config-" RELEASE, "# Linux\n" text "\n"}

Test(check_host, finds_nothing_wrong_where_all_is_right)
{
    autotree struct tree tree;
    size_t i;
    json_t *check;

    check_host_make(&tree);
    autojson json_t *report = report_of(&tree, NULL);
    json_array_foreach(json_object_get(report, "checks"), i, check) {
        cr_expect_str_eq(json_string_value(json_object_get(check, "severity")), "ok", "%s: %s",
                         json_string_value(json_object_get(check, "id")),
                         json_string_value(json_object_get(check, "message")));
    }
    expect_member(report, "enabled", "1");
    expect_member(report, "driver", "'intel-iommu'");
    expect_member(report, "interrupt-remapping", "1");
    expect_member(report, "default-domain", "'identity'");
    expect_member(report, "groups", "3");
}

static void expect_without_iommu(const struct broken *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        autotree struct tree tree;
        check_host_make(&tree);
        check_host_change(&tree, (struct change[]){NO_IOMMU, {NULL, NULL}});
        check_host_change(&tree, cases[i].changes);
        autojson json_t *report = report_of(&tree, NULL);
        json_t *check = check_in(report, cases[i].check);
        cr_assert_not_null(check, "%s", cases[i].about);
        expect_member(check, "severity", "'error'");
        const char *message = json_string_value(json_object_get(check, "message"));
        const char *remedy = json_string_value(json_object_get(check, "remedy"));
        cr_expect_not_null(strstr(message, cases[i].message), "%s: %s", cases[i].about, message);
        cr_expect_not_null(strstr(remedy, cases[i].remedy), "%s: %s", cases[i].about, remedy);
        expect_member(report, "enabled", "0");
        expect_member(report, "interrupt-remapping", "0");
    }
}

/* Not the first of them alone. */
Test(check_host, names_every_parameter_that_does_nothing)
{
    static const char *const parameters[] = {"amd_iommu=on", "iommu=on", "pt=on"};
    autotree struct tree tree;
    size_t i, told = 0;
    json_t *check;

    check_host_make(&tree);
    check_host_change(&tree, (struct change[]){CMDLINE("amd_iommu=on iommu=on pt=on"), {NULL, NULL}});
    autojson json_t *report = report_of(&tree, NULL);
    json_array_foreach(json_object_get(report, "checks"), i, check) {
        const char *message = json_string_value(json_object_get(check, "message"));
        for (size_t j = 0; j < COUNT_OF(parameters); j++)
            told += strncmp(message, parameters[j], strlen(parameters[j])) == 0 &&
                    strstr(message, " has no effect: ") != NULL;
    }
    cr_expect_eq(told, COUNT_OF(parameters));
}

/* Neither Intel's words nor AMD's on a host that is neither. */
Test(check_host, speaks_of_arm_where_it_is_arm)
{
    static const struct broken cases[] = {
        {"no table",
         {{"proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n"},
          {"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/GTDT", ""}},
         NULL,
         "iommu-firmware",
         "error",
         "reports no IOMMU",
         "# there enable the IOMMU (ARM: SMMU)"},
        {"no driver",
         {{"proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n"},
          {"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/IORT", ""},
          CONFIG("# CONFIG_ARM_SMMU_V3 is not set")},
         NULL,
         "iommu-enabled",
         "error",
         "without a driver",
         "apt install linux-image-$(dpkg --print-architecture)"},
        {"no reason",
         {{"proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n"},
          {"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/IORT", ""}},
         NULL,
         "iommu-enabled",
         "error",
         "nothing turned it off",
         "grep -i -e iommu -e smmu"},
    };

    expect_without_iommu(cases, COUNT_OF(cases));
}

Test(check_host, says_why_the_iommu_is_off)
{
    static const struct broken cases[] = {
        {"turned off by its own parameter",
         {CMDLINE("intel_iommu=off")},
         NULL,
         "iommu-enabled",
         "error",
         "intel_iommu=off",
         "intel_iommu=off([\"\\x27 ]|$)/\\1intel_iommu=on\\2/' /etc/default/grub"},
        {"turned on and off again",
         {CMDLINE("intel_iommu=on intel_iommu=sm_on,off")},
         NULL,
         "iommu-enabled",
         "error",
         "intel_iommu=off",
         "update-grub\nreboot"},
        {"turned off for all vendors",
         {CMDLINE("intel_iommu=on iommu=off")},
         NULL,
         "iommu-enabled",
         "error",
         "iommu=off",
         "| +)iommu=off([\"\\x27 ]|$)/\\2\\3/"},
        {"not turned on, and the configuration is not there",
         {CMDLINE("quiet"), {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"}},
         NULL,
         "iommu-enabled",
         "error",
         "by itself cannot be known",
         "s/\"$/ intel_iommu=on\"/' /etc/default/grub"},
        {"not turned on, by the kernel's default",
         {CMDLINE("quiet"), CONFIG("# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\nCONFIG_INTEL_IOMMU=y")},
         NULL,
         "iommu-enabled",
         "error",
         "only if its command line says so",
         "update-grub\nreboot"},
        {"with systemd-boot",
         {{"proc/cmdline", "root=ZFS=rpool/ROOT boot=zfs\n"},
          {"etc/kernel/cmdline", "root=ZFS=rpool/ROOT\n"},
          {"etc/kernel/proxmox-boot-uuids", "0000-0000\n"}},
         NULL,
         "iommu-enabled",
         "error",
         "by itself cannot be known",
         "sed -i '1s/$/ intel_iommu=on/' /etc/kernel/cmdline\nproxmox-boot-tool refresh\nreboot"},
        {"no driver in the kernel",
         {CONFIG("# CONFIG_INTEL_IOMMU is not set")},
         NULL,
         "iommu-enabled",
         "error",
         "without a driver",
         "linux-image"},
        {"AMD's turned off",
         {CMDLINE("amd_iommu=off"),
          CPU("AuthenticAMD", "svm"),
          {"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/IVRS", ""}},
         NULL,
         "iommu-enabled",
         "error",
         "amd_iommu=off",
         "| +)amd_iommu=off([\"\\x27 ]|$)/\\2\\3/"},
        {"on, and yet not there", {{NULL, NULL}}, NULL, "iommu-enabled", "error", "kernel log", "dmesg"},
        {"virtio's driver is not loaded",
         {{"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/VIOT", ""},
          {"lib/modules/" RELEASE "/modules.dep", "kernel/drivers/iommu/virtio-iommu.ko:\n"}},
         NULL,
         "iommu-enabled",
         "error",
         "virtio_iommu",
         "/etc/initramfs-tools/modules"},
        {"Intel's firmware says nothing",
         {{"sys/firmware/acpi/tables/DMAR", NULL}},
         NULL,
         "iommu-firmware",
         "error",
         "firmware",
         "VT-d"},
        {"AMD's firmware says nothing",
         {{"sys/firmware/acpi/tables/DMAR", NULL}, CPU("AuthenticAMD", "svm")},
         NULL,
         "iommu-firmware",
         "error",
         "firmware",
         "AMD-Vi"},
        {"a guest without one",
         {{"sys/firmware/acpi/tables/DMAR", NULL}, CPU("GenuineIntel", "vmx hypervisor")},
         NULL,
         "iommu-firmware",
         "error",
         "virtual machine",
         "qm set VMID -machine q35,viommu=intel"},
        {"a guest on AMD with an IOMMU of Intel's kind",
         {CMDLINE("quiet"),
          CPU("AuthenticAMD", "svm hypervisor"),
          {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"}},
         NULL,
         "iommu-enabled",
         "error",
         "by itself cannot be known",
         "intel_iommu=on"},
    };

    expect_without_iommu(cases, COUNT_OF(cases));
}

Test(check_host, knows_what_remaps_interrupts)
{
    static const struct broken cases[] = {
        {"chips that say so", {{NULL, NULL}}, NULL, "interrupt-remapping", "ok", NULL, ""},
        {"turned off",
         {NO_CHIPS, CMDLINE("intel_iommu=on intremap=off")},
         NULL,
         "interrupt-remapping",
         "error",
         "not remapped",
         "| +)intremap=off([\"\\x27 ]|$)/\\2\\3/"},
        {"a unit cannot",
         {NO_CHIPS, {"sys/class/iommu/dmar0/intel-iommu/ecap", "f050d2\n"}},
         NULL,
         "interrupt-remapping",
         "error",
         "not remapped",
         "echo \"options vfio_iommu_type1 allow_unsafe_interrupts=1\" >> /etc/modprobe.d/"},
        {"a unit cannot, and the chips are not known",
         {{"proc/interrupts", NULL}, {"sys/class/iommu/dmar0/intel-iommu/ecap", "f050d2\n"}},
         NULL,
         "interrupt-remapping",
         "error",
         "not remapped",
         "allow_unsafe_interrupts=1"},
        {"allowed all the same",
         {NO_CHIPS, {"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n"}},
         NULL,
         "interrupt-remapping",
         "warning",
         "a guest can disturb the host",
         ""},
        {"chips are not known",
         {{"proc/interrupts", NULL}},
         NULL,
         "interrupt-remapping",
         "info",
         "can remap",
         ""},
        {"virtio's cannot, in a guest",
         {NO_CHIPS,
          CPU("GenuineIntel", "vmx hypervisor"),
          {"sys/class/iommu/dmar0", NULL},
          {"sys/class/iommu/0000:00:05.0/devices/x", ""}},
         NULL,
         "interrupt-remapping",
         "error",
         "not remapped",
         "viommu=intel"},
        {"allowed without need",
         {{"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n"},
          {"etc/modprobe.d/a.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n"}},
         NULL,
         "unsafe-interrupts",
         "warning",
         "not needed",
         "sed -i -E '/^\\s*options\\s+vfio_iommu_type1\\s*allow_unsafe_interrupts\\b\\S*\\s*$/d' "
         "/etc/modprobe.d/a.conf"},
        {"allowed, but not yet in effect",
         {NO_CHIPS, {"etc/modprobe.d/a.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n"}},
         NULL,
         "unsafe-interrupts",
         "info",
         "not yet",
         "update-initramfs -u -k all\nreboot"},
        {"not allowed", {{NULL, NULL}}, NULL, "unsafe-interrupts", NULL, NULL, NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_host, knows_parameters_and_modes)
{
    static const struct broken cases[] = {
        {"on by the kernel's default", {CMDLINE("quiet")}, NULL, "iommu-parameter", "ok", "by itself", ""},
        {"Debian's default",
         {CMDLINE("quiet"),
          CONFIG("CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y"),
          {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"}},
         NULL,
         "iommu-parameter",
         "info",
         "integrated graphics",
         "intel_iommu=on"},
        {"a value that AMD's does not know",
         {CMDLINE("amd_iommu=on"),
          {"sys/firmware/acpi/tables/DMAR", NULL},
          {"sys/firmware/acpi/tables/IVRS", ""}},
         NULL,
         "iommu-parameter",
         "info",
         "no effect",
         "| +)amd_iommu=on([\"\\x27 ]|$)/\\2\\3/"},
        {"Intel's parameter on AMD",
         {{"sys/firmware/acpi/tables/DMAR", NULL}, {"sys/firmware/acpi/tables/IVRS", ""}},
         NULL,
         "iommu-parameter",
         "info",
         "not Intel's",
         "| +)intel_iommu=on([\"\\x27 ]|$)/\\2\\3/"},
        {"translated",
         {CMDLINE("intel_iommu=on"),
          {"sys/kernel/iommu_groups/1/type", "DMA-FQ\n"},
          {"sys/kernel/iommu_groups/2/type", "DMA-FQ\n"},
          {"sys/kernel/iommu_groups/3/type", "DMA-FQ\n"}},
         NULL,
         "passthrough-mode",
         "info",
         "might make",
         "iommu=pt"},
        {"translated, as the hardware cannot",
         {CMDLINE("intel_iommu=on"),
          {"sys/kernel/iommu_groups/1/type", "DMA\n"},
          {"sys/class/iommu/dmar0/intel-iommu/ecap", "f0501a\n"}},
         NULL,
         "passthrough-mode",
         "info",
         "has no passthrough mode",
         ""},
        {"only for some",
         {{"sys/kernel/iommu_groups/1/type", "DMA\n"}},
         NULL,
         "passthrough-mode",
         "info",
         "not for all",
         ""},
        {"the groups do not tell",
         {{"sys/kernel/iommu_groups/1/type", NULL},
          {"sys/kernel/iommu_groups/2/type", NULL},
          {"sys/kernel/iommu_groups/3/type", NULL}},
         NULL,
         "passthrough-mode",
         "ok",
         NULL,
         ""},
        {"isolation pretended",
         {CMDLINE("pcie_acs_override=downstream,multifunction")},
         NULL,
         "acs-override",
         "warning",
         NULL,
         "pcie_acs_override=downstream,multifunction([\"\\x27 ]|$)/\\2\\3/"},
        {"without IOMMU on purpose",
         {{"sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n"}},
         NULL,
         "vfio-no-iommu-mode",
         "warning",
         NULL,
         "echo N >"},
        {"no virtualization",
         {CPU("GenuineIntel", "fpu")},
         NULL,
         "cpu-virtualization",
         "warning",
         NULL,
         "VT-x"},
        {"KVM that does without the flags",
         {CPU("GenuineIntel", "fpu hypervisor"), {"sys/class/misc/kvm/dev", "10:232\n"}},
         NULL,
         "cpu-virtualization",
         "ok",
         "can run",
         ""},
        {"a CPU of another architecture",
         {{"proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n"}},
         NULL,
         "cpu-virtualization",
         NULL,
         NULL,
         NULL},
        {"a guest with an IOMMU",
         {CPU("GenuineIntel", "vmx hypervisor")},
         NULL,
         "host-is-guest",
         "info",
         "intel-iommu",
         ""},
        {"groups with several devices",
         {{PCI NETWORK "/iommu_group", "-> ../../../../kernel/iommu_groups/1"}},
         NULL,
         "groups-shared",
         "info",
         "1 of 2",
         ""},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

/* What all declare: ids are unique words, and each has what the documentation shows. */
Test(check_table, is_complete)
{
    CHECK_FOREACH(check, check_lists)
    {
        cr_expect_eq(strspn(check->id, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(check->id));
        cr_expect_eq(check_find(check->id), check, "%s is there twice", check->id);
        cr_expect(check->text[0] != '\0' && check->section[0] != '\0', "%s", check->id);
        cr_expect_neq(check->scope, CHECK_VM);
    }
}
