/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: graphics, and devices that are shared between VMs (SR-IOV, mediated devices). */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/check/report.h"
#include "tests/unit/hardware/check/fixture.h"

#define LINES6 "0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n"

Test(check_device, shows_pictures)
{
    static const struct broken cases[] = {
        {"the firmware started on it",
         {{PCI CARD "/boot_vga", "1\n"}},
         CARD,
         "boot-vga",
         "warning",
         "goes dark",
         "romfile="},
        {"the firmware started on another", {{NULL, NULL}}, CARD, "boot-vga", "ok", NULL, ""},
        {"a framebuffer in its memory",
         {{"proc/iomem", "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : 0000:01:00.0\n    "
                         "00000000-00000000 : BOOTFB\n"},
          {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"}},
         CARD,
         "framebuffer",
         "warning",
         "BOOTFB",
         "initcall_blacklist=sysfb_init"},
        {"a framebuffer in another's",
         {{"proc/iomem", "00000000-00000000 : 0000:01:00.0\n00000000-00000000 : 0000:05:00.0\n  "
                         "00000000-00000000 : efifb\n"}},
         CARD,
         "framebuffer",
         NULL,
         NULL,
         NULL},
        {"a ROM",
         {{PCI CARD "/resource", LINES6 "0x00000000de000000 0x00000000de07ffff 0x46200\n"}},
         CARD,
         "rom",
         "info",
         "only reading it shows",
         "hostpci get /nodes/localhost/hardware/pci/0000:01:00.0/rom"},
        {"a copy of the ROM",
         {{PCI CARD "/resource", LINES6 "0x00000000000c0000 0x00000000000dffff 0x212\n"}},
         CARD,
         "rom",
         "info",
         "copy",
         ""},
        {"no ROM", {{PCI CARD "/resource", LINES6 "0x0 0x0 0x0\n"}}, CARD, "rom", "info", "no ROM", ""},
        {"VGA arbitration",
         {{"sys/module/vfio_pci/parameters/disable_vga", "N\n"}},
         CARD,
         "vga-arbitration",
         "info",
         "is on",
         "disable_vga=1"},
        {"none",
         {{"etc/modprobe.d/v.conf", "options vfio-pci disable_vga=1\n"}},
         CARD,
         "vga-arbitration",
         "info",
         "is off",
         ""},
        {"a network card", {{NULL, NULL}}, NETWORK, "rom", NULL, NULL, NULL},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

#define VFS(number) {PCI NETWORK "/sriov_numvfs", number "\n"}

Test(check_device, has_virtual_functions)
{
    static const struct broken cases[] = {
        {"some, in use as a whole",
         {{PCI GRAPHICS "/physfn", "-> ../" NETWORK}},
         NETWORK,
         "sriov-active",
         "error",
         "only when they are gone",
         "hostpci set /nodes/localhost/hardware/pci/0000:02:00.0/sriov --numvfs 0 --persistent 0"},
        {"some, and no driver to remove them",
         {{PCI GRAPHICS "/physfn", "-> ../" NETWORK},
          {PCI NETWORK "/uevent", "PCI_CLASS=20000\nPCI_ID=8086:1572\nPCI_SUBSYS_ID=8086:0001\n"}},
         NETWORK,
         "sriov-active",
         "error",
         NULL,
         "hostpci set /nodes/localhost/hardware/pci/0000:02:00.0/driver --driver auto\nhostpci set"},
        {"some", {{NULL, NULL}}, NETWORK, "sriov", "ok", "4 virtual functions of at most 8", ""},
        {"none yet",
         {VFS("0")},
         NETWORK,
         "sriov",
         "info",
         "has none now",
         "hostpci set /nodes/localhost/hardware/pci/0000:02:00.0/sriov --numvfs 4 --persistent 1"},
        {"none yet, and its driver is away",
         {VFS("0"), {PCI NETWORK "/uevent", UEVENT("vfio-pci", "20000", "8086:1572")}},
         NETWORK,
         "sriov",
         "info",
         "has none now",
         ""},
        {"none yet, and its driver refuses",
         {VFS("0"),
          {"dev/kmsg", "3,9,9,-;i40e 0000:02:00.0: Driver does not support SRIOV configuration via "
                       "sysfs\n"}},
         NETWORK,
         "sriov",
         "info",
         "has none now",
         ""},
        {"cannot", {{NULL, NULL}}, CARD, "sriov", NULL, NULL, NULL},
        {"its driver is away",
         {VFS("0"), {PCI NETWORK "/uevent", UEVENT("vfio-pci", "20000", "8086:1572")}},
         NETWORK,
         "sriov-driver",
         "info",
         "its own driver",
         "/driver --driver auto"},
        {"its driver cannot",
         {VFS("0"),
          {"dev/kmsg",
           "6,9,9,-;i40e 0000:02:00.0: driver does not support SR-IOV configuration via sysfs\n"}},
         NETWORK,
         "sriov-driver",
         "warning",
         "i40e",
         "modinfo -p i40e"},
        {"no memory, by its resources",
         {{PCI NETWORK "/resource",
           LINES6 "0x0 0x0 0x0\n0x0000000000000000 0x00000000000fffff 0x2014220c\n"}},
         NETWORK,
         "sriov-resources",
         "warning",
         "address space",
         "pci=realloc"},
        {"no memory, by the log",
         {{"dev/kmsg", "3,9,9,-;i40e 0000:02:00.0: not enough MMIO resources for SR-IOV\n"}},
         NETWORK,
         "sriov-resources",
         "warning",
         "address space",
         "pci=realloc"},
        {"memory, which the kernel tells as well",
         {{"dev/kmsg", "6,9,9,-;pci 0000:02:00.0: VF BAR 0 [mem 0xfe800000-0xfe81ffff 64bit pref]: "
                       "assigned\n"}},
         NETWORK,
         "sriov-resources",
         NULL,
         NULL,
         NULL},
        {"none yet, and the kernel tells of their memory",
         {VFS("0"),
          {"dev/kmsg", "6,9,9,-;pci 0000:02:00.0: VF BAR 0 [mem 0x00000000-0x0001ffff 64bit pref]: "
                       "contains BAR 0 for 8 VFs\n"}},
         NETWORK,
         "sriov",
         "info",
         "has none now",
         "/sriov --numvfs 4 --persistent 1"},
        {"no buses",
         {{"dev/kmsg", "3,9,9,-;i40e 0000:02:00.0: SR-IOV: bus number out of range\n"}},
         NETWORK,
         "sriov-resources",
         "warning",
         "bus numbers",
         "pci=assign-busses"},
        {"another's trouble",
         {{"dev/kmsg", "3,9,9,-;i40e 0000:03:00.0: not enough MMIO resources for SR-IOV\n"}},
         NETWORK,
         "sriov-resources",
         NULL,
         NULL,
         NULL},
        {"an option of its driver",
         {{"etc/modprobe.d/i.conf", "options i40e max_vfs=4\n"}},
         NETWORK,
         "sriov-module-option",
         "warning",
         "i40e",
         "/etc/modprobe.d/i.conf"},
        {"somebody else binds its driver",
         {{"etc/driverctl.d/pci-0000:02:00.0", "vfio-pci\n"}},
         NETWORK,
         "other-owner",
         "info",
         "Its driver is set at boot by something else (driverctl)",
         "driverctl unset-override 0000:02:00.0"},
        {"sysfsutils binds its driver, which can be taken over",
         {{"etc/sysfs.conf", "bus/pci/devices/0000:02:00.0/driver_override = vfio-pci\n"}},
         NETWORK,
         "other-owner",
         "info",
         "sysfsutils",
         "/driver --driver vfio-pci --persistent 1 --take-over 1"},
        {"two set its number",
         {{"etc/sysfs.conf", "bus/pci/devices/0000:02:00.0/sriov_numvfs = 4\n"},
          {"etc/rc.local", "echo 4 > /sys/bus/pci/devices/0000:02:00.0/sriov_numvfs\n"}},
         NETWORK,
         "other-owner",
         "warning",
         "in 2 places (sysfsutils, script)",
         "nano /etc/rc.local"},
        {"one sets its number, of whom another check tells",
         {{"etc/sysfs.conf", "bus/pci/devices/0000:02:00.0/sriov_numvfs = 4\n"}},
         NETWORK,
         "other-owner",
         NULL,
         NULL,
         NULL},
        {"sysfsutils agrees",
         {{"etc/sysfs.conf", "bus/pci/devices/0000:02:00.0/sriov_numvfs = 4\n"}},
         NETWORK,
         "sriov-sysfs-conf",
         "info",
         "each boot",
         ""},
        {"sysfsutils disagrees",
         {{"etc/sysfs.d/v.conf", "# VFs\nbus/pci/devices/0000:02:00.0/sriov_numvfs=8\n"}},
         NETWORK,
         "sriov-sysfs-conf",
         "warning",
         "8 virtual functions at each boot, but it has 4",
         "sed -i -E '/^\\s*bus\\/pci\\/devices\\/0000:02:00\\.0\\/sriov_numvfs\\s*=\\s*8\\s*$/d' "
         "/etc/sysfs.d/v.conf"},
        {"sysfsutils by the interface",
         {{"etc/sysfs.conf", "class/net/eno1/device/sriov_numvfs = 2\n"},
          {"sys/class/net/eno1/device", "-> ../../../../bus/pci/devices/0000:02:00.0"}},
         NETWORK,
         "sriov-sysfs-conf",
         "warning",
         NULL,
         "sed"},
        {"sysfsutils and another device",
         {{"etc/sysfs.conf", "bus/pci/devices/0000:03:00.0/sriov_numvfs = 4\n"}},
         NETWORK,
         "sriov-sysfs-conf",
         NULL,
         NULL,
         NULL},
        {"a virtual function",
         {{PCI CARD "/physfn", "-> ../0000:02:00.0"}},
         CARD,
         "physical-function",
         "ok",
         "0000:02:00.0",
         ""},
        {"a virtual function whose physical one was passed",
         {{PCI CARD "/physfn", "-> ../0000:01:00.1"}},
         CARD,
         "physical-function",
         "warning",
         "lost its driver",
         "hostpci set /nodes/localhost/hardware/pci/0000:01:00.1/driver --driver auto"},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

#define TYPE(left)    {PCI GRAPHICS "/mdev_supported_types/i915-GVTg_V5_4/available_instances", left "\n"}
#define NVIDIA_DRIVER {PCI CARD "/uevent", UEVENT("nvidia", "30200", "10DE:2484")}

Test(check_device, creates_mediated_devices)
{
    static const struct broken cases[] = {
        {"types left",
         {TYPE("2")},
         GRAPHICS,
         "mdev-types",
         "info",
         "types: 1",
         "hostpci create /nodes/localhost/hardware/pci/0000:00:02.0/mdev --type i915-GVTg_V5_4 --persistent "
         "1"},
        {"none left", {TYPE("0")}, GRAPHICS, "mdev-types", "info", "no mediated device left", ""},
        {"GVT-g off",
         {{"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"}},
         GRAPHICS,
         "gvt",
         "info",
         "not turned on",
         "i915.enable_gvt=1"},
        {"GVT-g on, module not loaded",
         {{"proc/cmdline", "i915.enable_gvt=1\n"}},
         GRAPHICS,
         "gvt",
         "info",
         NULL,
         "modprobe kvmgt"},
        {"GVT-g on, and nothing",
         {{"sys/module/kvmgt/initstate", "live\n"}, {"sys/module/i915/parameters/enable_gvt", "Y\n"}},
         GRAPHICS,
         "gvt",
         "warning",
         "yet",
         ""},
        {"GVT-g works", {TYPE("2")}, GRAPHICS, "gvt", NULL, NULL, NULL},
        {"newer graphics",
         {{PCI GRAPHICS "/uevent", "PCI_CLASS=30000\nPCI_ID=8086:9A49\nPCI_SUBSYS_ID=8086:0001\n"}},
         GRAPHICS,
         "gvt",
         NULL,
         NULL,
         NULL},
        {"NVIDIA without virtual functions",
         {NVIDIA_DRIVER, {PCI CARD "/sriov_totalvfs", "16\n"}, {PCI CARD "/sriov_numvfs", "0\n"}},
         CARD,
         "nvidia-vgpu",
         "info",
         NULL,
         "hostpci set /nodes/localhost/hardware/pci/0000:01:00.0/sriov --numvfs 16 --persistent 1"},
        {"NVIDIA's virtual function without types",
         {NVIDIA_DRIVER, {PCI CARD "/physfn", "-> ../0000:02:00.0"}},
         CARD,
         "nvidia-vgpu",
         "error",
         "vGPU",
         "systemctl"},
    };

    expect_each_broken(cases, COUNT_OF(cases));
}

static void expect_rom(const char *read, const char *severity, const char *message, bool action)
{
    autojson json_t *rom = json_loads(read, 0, NULL), *report = NULL;
    autotree struct tree tree;
    struct change changes[] = {
        {PCI CARD "/resource", LINES6 "0x00000000de000000 0x00000000de07ffff 0x46200\n"}, {NULL, NULL}};
    struct error err;

    check_host_make(&tree);
    check_host_change(&tree, changes);
    autoinventory struct inventory *inventory = tree_scan(&tree);
    autohostuses struct host_uses *uses = NULL;
    cr_assert_eq(host_uses_scan(tree.sysroot, inventory, &uses, &err), 0, "%s", err.message);
    cr_assert_eq(
        readiness_describe_device(tree.sysroot, inventory, uses, address_of(CARD), rom, &report, &err), 0,
        "%s", err.message);
    const json_t *check = check_in(report, "rom");
    cr_assert_not_null(check, "%s", read);
    cr_expect_str_eq(json_text(check, "severity"), severity, "%s", read);
    cr_expect(strstr(json_text(check, "message"), message) != NULL, "%s", read);
    cr_expect_eq(json_object_get(check, "action") != NULL, action, "%s", read);
}

/* The broker is asked to read it only while that is not known yet, or was no whole ROM. */
Test(check_device, tells_what_was_read_of_its_rom)
{
    expect_rom("{\"bios\": 1, \"uefi\": 1, \"complete\": 1}", "ok", "with OVMF and with SeaBIOS", false);
    expect_rom("{\"bios\": 0, \"uefi\": 1, \"complete\": 1}", "ok", "not with SeaBIOS", false);
    expect_rom("{\"bios\": 1, \"uefi\": 0, \"complete\": 1}", "info", "not UEFI capable", false);
    expect_rom("{\"bios\": 1, \"uefi\": 0, \"complete\": 0}", "warning", "was damaged", true);
}
