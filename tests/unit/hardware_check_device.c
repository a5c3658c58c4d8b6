/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: what is said of each way in which it can be unfit, or the host set up wrong for it. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/hardware_check_fixture.h"

#define BOUND_TO_NOUVEAU                                                                                     \
    {PCI CARD "/uevent", UEVENT("nouveau", "30000", "10DE:2484")},                                           \
    {                                                                                                        \
        PCI CARD "/driver/module", "-> ../../../../module/nouveau"                                           \
    }
#define FREE                                                                                                 \
    {                                                                                                        \
        PCI CARD "/uevent", "PCI_CLASS=30000\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146B\n"                   \
    }
#define IDS                                                                                                  \
    {                                                                                                        \
        "etc/modprobe.d/vfio.conf", "options vfio-pci ids=8086:ffff,10de:2484\n"                             \
    }

Test(check_device, finds_nothing_wrong_where_all_is_right)
{
    static const char *const devices[] = {CARD, NETWORK, GRAPHICS};

    for (size_t i = 0; i < COUNT_OF(devices); i++) {
        autotree struct tree tree;
        size_t j;
        json_t *check;
        check_host_make(&tree);
        autojson json_t *report = report_of(&tree, devices[i]);
        json_array_foreach(json_object_get(report, "checks"), j, check) {
            const char *severity = json_string_value(json_object_get(check, "severity"));
            cr_expect(strcmp(severity, "ok") == 0 || strcmp(severity, "info") == 0, "%s %s: %s", devices[i],
                      json_string_value(json_object_get(check, "id")),
                      json_string_value(json_object_get(check, "message")));
        }
    }
}

Test(check_device, belongs_to_a_group)
{
    static const struct broken cases[] = {
        {"in none",
         {{PCI CARD "/iommu_group", NULL}},
         CARD,
         "iommu-group",
         "error",
         "no IOMMU group",
         "dmesg"},
        {"integrated graphics in none",
         {{PCI GRAPHICS "/iommu_group", NULL},
          {"proc/cmdline", "quiet\n"},
          {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"}},
         GRAPHICS,
         "iommu-group",
         "error",
         "integrated graphics",
         "intel_iommu=on"},
        {"in one", {{NULL, NULL}}, CARD, "iommu-group", "ok", "group 1", ""},
        {"alone but for its own functions",
         {{NULL, NULL}},
         CARD,
         "group-shared",
         "ok",
         "own functions and bridges",
         ""},
        {"alone, but only pretended",
         {{"proc/cmdline", "intel_iommu=on pcie_acs_override=downstream\n"}},
         CARD,
         "group-shared",
         "warning",
         "pcie_acs_override",
         ""},
        {"with a network card that has a driver",
         {{PCI NETWORK "/iommu_group", "-> ../../../../kernel/iommu_groups/1"}},
         CARD,
         "group-shared",
         "warning",
         "0000:02:00.0 (i40e)",
         "group-slot"},
        {"with graphics that have none",
         {{PCI GRAPHICS "/iommu_group", "-> ../../../../kernel/iommu_groups/1"}},
         CARD,
         "group-shared",
         "info",
         "0000:00:02.0",
         ""},
        {"with another, and an empty slot",
         {{PCI NETWORK "/iommu_group", "-> ../../../../kernel/iommu_groups/1"}},
         CARD,
         "group-slot",
         "info",
         "Empty: 7",
         "from slot 1 to one of: 7"},
        {"on the mainboard with another",
         {{PCI NETWORK "/iommu_group", "-> ../../../../kernel/iommu_groups/3"}},
         GRAPHICS,
         "group-slot",
         "info",
         "in no slot",
         ""},
        {"alone", {{NULL, NULL}}, CARD, "group-slot", NULL, NULL, NULL},
        {"memory kept by the firmware",
         {{"sys/kernel/iommu_groups/1/reserved_regions",
           "0x000000008b2f0000 0x000000008b30ffff direct\n0xfee00000 0xfeefffff msi\n"}},
         CARD,
         "reserved-region",
         "error",
         "RMRR",
         "HPE"},
        {"memory kept for booting only",
         {{"sys/kernel/iommu_groups/1/reserved_regions",
           "0x000000008b2f0000 0x000000008b30ffff direct-relaxable\n"}},
         CARD,
         "reserved-region",
         "info",
         "any more",
         ""},
        {"no memory kept", {{NULL, NULL}}, CARD, "reserved-region", NULL, NULL, NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_device, may_be_of_a_kind_that_is_not_passed_through)
{
    static const struct broken cases[] = {
        {"a root port", {{NULL, NULL}}, "0000:00:01.0", "bridge", "error", "bridge", ""},
        {"a memory controller",
         {{PCI CARD "/uevent", UEVENT("vfio-pci", "50000", "8086:a2a1")}},
         CARD,
         "memory-controller",
         "warning",
         NULL,
         ""},
        {"neither", {{NULL, NULL}}, CARD, "bridge", NULL, NULL, NULL},
        {"several functions", {{NULL, NULL}}, CARD, "all-functions", "info", "'0000:01:00'", ""},
        {"one function", {{NULL, NULL}}, NETWORK, "all-functions", NULL, NULL, NULL},
        {"a large BAR",
         {{PCI CARD "/resource", "0x0000004000000000 0x00000047ffffffff 0x14220c\n"},
          {"proc/cpuinfo", "processor\t: 0\naddress sizes\t: 46 bits physical, 48 bits virtual\n"}},
         CARD,
         "large-bar",
         "info",
         "32768 MiB",
         "bios: ovmf"},
        {"a BAR too large for the CPU",
         {{PCI CARD "/resource", "0x0000004000000000 0x0000004fffffffff 0x14220c\n"}},
         CARD,
         "large-bar",
         "warning",
         "hardly room",
         "Resizable BAR"},
        {"small BARs", {{NULL, NULL}}, CARD, "large-bar", NULL, NULL, NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_device, sleeps_and_is_reset)
{
    static const struct broken cases[] = {
        {"awake", {{NULL, NULL}}, CARD, "power-state", "ok", "awake", ""},
        {"asleep as nobody needs it",
         {{PCI CARD "/power_state", "D3hot\n"}, {PCI CARD "/power/runtime_status", "suspended\n"}},
         CARD,
         "power-state",
         "ok",
         "D3hot",
         ""},
        {"asleep although needed",
         {{PCI CARD "/power_state", "D3cold\n"}},
         CARD,
         "power-state",
         "warning",
         "D3cold",
         "disable_idle_d3=1"},
        {"did not wake up",
         {{PCI CARD "/power_state", "D3cold\n"},
          {PCI CARD "/power/runtime_status", "suspended\n"},
          {"dev/kmsg", "3,9,9,-;vfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, "
                       "device inaccessible\n"}},
         CARD,
         "power-state",
         "warning",
         "may not wake up",
         "power the host off"},
        {"can be reset", {{NULL, NULL}}, CARD, "reset-method", "ok", "flr bus", ""},
        {"cannot be reset",
         {{PCI CARD "/reset_method", NULL}},
         CARD,
         "reset-method",
         "warning",
         "no way to reset",
         "reboot"},
        {"all methods turned off",
         {{PCI CARD "/reset_method", "\n"}},
         CARD,
         "reset-method",
         "warning",
         "no way to reset",
         NULL},
        {"can be reset, before 5.15",
         {{PCI CARD "/reset_method", NULL}, {PCI CARD "/reset", ""}},
         CARD,
         "reset-method",
         "ok",
         NULL,
         ""},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

Test(check_device, goes_to_one_driver_at_boot)
{
    static const struct broken cases[] = {
        {"bound to vfio-pci", {{NULL, NULL}}, CARD, "driver-in-use", "ok", "vfio-pci", ""},
        {"bound to none", {FREE}, CARD, "driver-in-use", "ok", "No driver", ""},
        {"bound to another", {BOUND_TO_NOUVEAU}, CARD, "driver-in-use", "info", "nouveau", ""},
        {"what would drive it", {FREE}, CARD, "candidate-modules", "info", "nouveau", ""},
        {"by ids", {IDS}, CARD, "vfio-ids", "ok", NULL, ""},
        {"by ids on the command line",
         {{"proc/cmdline", "vfio-pci.ids=10de:2484\n"}},
         CARD,
         "vfio-ids",
         "ok",
         NULL,
         ""},
        {"not by ids",
         {{"etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2485,10de:2484:1234\n"}},
         CARD,
         "vfio-ids",
         NULL,
         NULL,
         NULL},
        {"by class and mask",
         {{"etc/modprobe.d/vfio.conf",
           "options vfio-pci ids=10de:ffffffff:ffffffff:ffffffff:030000:ff0000\n"}},
         CARD,
         "vfio-ids",
         "ok",
         NULL,
         ""},
        {"its own driver was faster",
         {IDS, BOUND_TO_NOUVEAU},
         CARD,
         "vfio-ids",
         "warning",
         "nothing makes it wait",
         "echo \"softdep nouveau pre: vfio-pci\" >> /etc/modprobe.d/vfio.conf\nupdate-initramfs -u -k "
         "all\nreboot"},
        {"its own driver was faster, with a softdep",
         {{"etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2484\nsoftdep nouveau pre: vfio-pci\n"},
          BOUND_TO_NOUVEAU},
         CARD,
         "vfio-ids",
         "warning",
         "not in effect yet",
         "update-initramfs"},
        {"its own driver was faster, with a blacklist",
         {{"etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2484\nblacklist nouveau\n"},
          BOUND_TO_NOUVEAU},
         CARD,
         "vfio-ids",
         "warning",
         "not in effect yet",
         "update-initramfs"},
        {"by ids, and vfio-pci not there",
         {IDS, FREE, {"sys/module/vfio_pci", NULL}},
         CARD,
         "vfio-ids",
         "info",
         "as soon as",
         "modprobe vfio-pci"},
        {"by ids, although the host uses it",
         {{"etc/modprobe.d/vfio.conf", "options vfio-pci ids=8086:1572\n"}, DEFAULT_ROUTE},
         NETWORK,
         "vfio-ids",
         "warning",
         "what the host uses",
         "nano /etc/modprobe.d/vfio.conf"},
        {"by ids, although the host uses another of its kind",
         {IDS, {PCI NETWORK "/uevent", UEVENT("i40e", "20000", "10DE:2484")}, DEFAULT_ROUTE},
         CARD,
         "vfio-ids-others",
         "warning",
         "0000:02:00.0 (i40e)",
         "nano"},
        {"another with the same ids",
         {IDS, {PCI GRAPHICS "/uevent", UEVENT("nouveau", "30000", "10DE:2484")}},
         CARD,
         "vfio-ids-others",
         "info",
         "0000:00:02.0 (nouveau)",
         ""},
        {"blacklisted",
         {FREE, {"etc/modprobe.d/b.conf", "blacklist nouveau\n"}},
         CARD,
         "driver-blacklist",
         "ok",
         NULL,
         ""},
        {"blacklisted by an install line",
         {FREE, {"etc/modprobe.d/b.conf", "install nouveau /bin/false\n"}},
         CARD,
         "driver-blacklist",
         "ok",
         NULL,
         ""},
        {"blacklisted in vain",
         {BOUND_TO_NOUVEAU, {"etc/modprobe.d/b.conf", "blacklist nouveau\n"}},
         CARD,
         "driver-blacklist",
         "warning",
         "although blacklisted",
         "update-initramfs"},
        {"not blacklisted", {{NULL, NULL}}, CARD, "driver-blacklist", NULL, NULL, NULL},
        {"a softdep that has nothing to bind",
         {BOUND_TO_NOUVEAU, {"etc/modprobe.d/s.conf", "softdep nouveau pre: vfio-pci\n"}},
         CARD,
         "driver-softdep",
         "info",
         "do not name",
         "options vfio-pci ids=10de:2484"},
        {"a softdep that works",
         {IDS, {"etc/modprobe.d/s.conf", "softdep nouveau pre: vfio-pci\n"}},
         CARD,
         "driver-softdep",
         "ok",
         NULL,
         ""},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}
