/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variants of the golden host: kernel, firmware, IOMMU, interrupts, groups. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"

#include <string.h>
#include <unistd.h>

#define ECAP   "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap"
#define CONFIG "boot/config-" GOLDEN_RELEASE

static void set_config(const char *file, const char *options)
{
    tree_replace(file, "#\n# Automatically generated file; DO NOT EDIT.\n#\n%s", options);
}

/* vfio-pci binds no function without a group, so the sound has the host's driver. */
static void without_groups(struct golden *golden)
{
    golden->machine.iommu = NULL;
    golden->functions[GOLDEN_GPU].driver = NULL;
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void without_groups_by(struct golden *golden, const char *cmdline)
{
    without_groups(golden);
    golden->machine.tables = "DMAR";
    golden->machine.cmdline = cmdline;
}

/* The chipset stays Intel's; all that the kernel shows of the IOMMU is AMD's. */
static void amd(struct golden *golden)
{
    golden->machine.model = "AMD Ryzen 7 5800X 8-Core Processor";
    golden->machine.iommu = "ivhd";
    golden->machine.cmdline = GOLDEN_CMDLINE;
}

static void amd_on(struct golden *golden)
{
    amd(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " amd_iommu=on";
}

static void intel_on_amd(struct golden *golden)
{
    amd(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on";
}

static void amd_off(struct golden *golden)
{
    amd(golden);
    without_groups(golden);
    golden->machine.tables = "IVRS";
    golden->machine.cmdline = GOLDEN_CMDLINE " amd_iommu=off";
}

static void no_ivrs(struct golden *golden)
{
    amd(golden);
    without_groups(golden);
}

static void proxmox(struct golden *golden)
{
    golden->machine.release = "6.8.12-4-pve";
    golden->machine.cmdline = "initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve "
                              "root=ZFS=rpool/ROOT/pve-1 boot=zfs";
}

static void proxmox_off(struct golden *golden)
{
    proxmox(golden);
    without_groups_by(golden, "initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve "
                              "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=off");
}

/* Booted by systemd-boot, which proxmox-boot-tool manages. */
static void finish_proxmox(const struct host *golden)
{
    module_unload("vfio_virqfd");
    tree_replace("etc/modules", "vfio\nvfio_iommu_type1\nvfio_pci\n");
    set_config("boot/config-6.8.12-4-pve", "CONFIG_INTEL_IOMMU=y\nCONFIG_INTEL_IOMMU_DEFAULT_ON=y\n");
    tree_write("etc/kernel/proxmox-boot-uuids", MODE_CHANGE, "E2B4-9A31\n");
    tree_write("etc/kernel/cmdline", MODE_CHANGE, "%s\n", strstr(golden->machine.cmdline, "root="));
}

static void by_default(struct golden *golden)
{
    without_groups_by(golden, GOLDEN_CMDLINE);
}

static void set_off_by_default(const struct host *golden)
{
    (void)golden;
    set_config(CONFIG, "CONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\n");
}

static void intel_off(struct golden *golden)
{
    without_groups_by(golden, GOLDEN_CMDLINE " intel_iommu=off");
}

static void all_off(struct golden *golden)
{
    without_groups_by(golden, GOLDEN_CMDLINE " intel_iommu=on iommu=off");
}

static void unexplained(struct golden *golden)
{
    without_groups_by(golden, GOLDEN_CMDLINE " intel_iommu=on");
}

static void fail_to_parse(const struct host *golden)
{
    (void)golden;
    log_append("DMAR: Parse DMAR table failure.");
}

static void remove_driver(const struct host *golden)
{
    (void)golden;
    set_config(CONFIG, "# CONFIG_INTEL_IOMMU is not set\nCONFIG_IOMMU_SUPPORT=y\n");
}

static void no_dmar(struct golden *golden)
{
    without_groups(golden);
}

static void without_vmx(const struct host *golden)
{
    (void)golden;
    tree_replace("proc/cpuinfo",
                 "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: %s\n"
                 "flags\t\t: fpu sse2 lm aes\naddress sizes\t: 39 bits physical, 48 bits virtual\n\n",
                 golden->machine.model);
}

static void integrated_left_out(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE;
    golden->functions[GOLDEN_INTEGRATED].group = -1;
}

static void plain_interrupts(struct golden *golden)
{
    golden->machine.plain_interrupts = true;
}

static void weak_unit(const struct host *golden)
{
    (void)golden;
    tree_replace(ECAP, "f050d2\n");
}

/* Bit 0 of the flags: 0. */
static void weak_firmware(const struct host *golden)
{
    char table[64] = "DMAR";
    (void)golden;
    table[4] = sizeof(table);
    tree_remove("sys/firmware/acpi/tables/DMAR");
    int fd = tree_open_folder("sys/firmware/acpi/tables");
    tree_put_bytes(fd, "DMAR", 0400, table, sizeof(table));
    close(fd);
}

static void told_not_to_remap(struct golden *golden)
{
    plain_interrupts(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on intremap=off";
}

static void told_not_to_remap_formerly(struct golden *golden)
{
    plain_interrupts(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on nointremap";
}

static void set_unsafe(const struct host *golden)
{
    (void)golden;
    tree_write("etc/modprobe.d/unsafe.conf", MODE_CHANGE,
               "options vfio_iommu_type1 allow_unsafe_interrupts=1\n");
    tree_set_time("etc/modprobe.d/unsafe.conf", GOLDEN_SETTINGS_TIME);
}

static void allow_unsafe(const struct host *golden)
{
    set_unsafe(golden);
    tree_replace("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
}

static void set_unsafe_without_remapping(const struct host *golden)
{
    weak_unit(golden);
    set_unsafe(golden);
}

static void allow_unsafe_without_remapping(const struct host *golden)
{
    weak_unit(golden);
    allow_unsafe(golden);
}

static void passthrough_mode(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on iommu=pt";
    golden->machine.group_type = "identity";
}

/* The kernel does not trust devices behind Thunderbolt. */
static void translate_for_one(const struct host *golden)
{
    (void)golden;
    tree_replace("sys/kernel/iommu_groups/13/type", "DMA-FQ\n");
}

static void cannot_pass(const struct host *golden)
{
    (void)golden;
    tree_replace(ECAP, "f0509a\n");
}

static void acs_override(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on pcie_acs_override=downstream,multifunction";
}

static void allow_no_iommu(const struct host *golden)
{
    (void)golden;
    tree_write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", MODE_CHANGE, "Y\n");
}

static void guest(struct golden *golden)
{
    golden->machine.guest = true;
}

static void guest_without_viommu(struct golden *golden)
{
    guest(golden);
    without_groups(golden);
}

static void guest_with_virtio(struct golden *golden)
{
    guest(golden);
    without_groups(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE;
    golden->machine.tables = "VIOT";
}

static void add_virtio_iommu(const struct host *golden)
{
    tree_append(path("lib/modules/%s/modules.dep", golden->machine.release).text,
                "kernel/drivers/iommu/virtio-iommu.ko:\n");
    tree_append(CONFIG, "CONFIG_VIRTIO_IOMMU=m\n");
}

static void complain(const struct host *golden)
{
    (void)golden;
    log_append("DMAR: [Firmware Bug]: No firmware reserved region can cover this RMRR "
               "[0x00000000c8000000-0x00000000cc7fffff], contact BIOS vendor for fixes");
}

/* A server with an ARM processor, whose firmware describes no SMMU. */
static void finish_arm(const struct host *golden)
{
    (void)golden;
    tree_replace("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd aes\n"
                                 "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n");
    tree_write("proc/sys/kernel/arch", MODE_READ, "aarch64\n");
    tree_write("sys/firmware/acpi/tables/GTDT", MODE_READ, "GTDT");
}

static void finish_arm_without_driver(const struct host *golden)
{
    finish_arm(golden);
    tree_write("sys/firmware/acpi/tables/IORT", MODE_READ, "IORT");
    set_config(CONFIG, "# CONFIG_ARM_SMMU_V3 is not set\n");
}

/* The ring buffer no longer has the messages of the start. */
static void forget_log(const struct host *golden)
{
    (void)golden;
    tree_replace("dev/kmsg", "6,91234,86400000000,-;enp3s0f0: NIC Link is Up, 10 Gbps Full Duplex\n");
}

static void remove_log(const struct host *golden)
{
    (void)golden;
    tree_remove("dev/kmsg");
}

const struct variant variants_of_iommu[] = {
    {"amd", "an AMD processor, which needs no parameter", NULL, amd, NULL},
    {"proxmox", "Proxmox's kernel 6.8, which needs neither intel_iommu=on nor vfio_virqfd", NULL, proxmox,
     finish_proxmox},
    {"proxmox-iommu-off", "the same with intel_iommu=off", NULL, proxmox_off, finish_proxmox},
    {"no-virtualization", "a CPU without VMX", NULL, NULL, without_vmx},
    {"no-dmar", "VT-d is off in the firmware: no table DMAR", NULL, no_dmar, NULL},
    {"no-ivrs", "AMD-Vi is off in the firmware: no table IVRS", NULL, no_ivrs, NULL},
    {"arm-without-smmu", "an ARM server whose firmware reports no IOMMU", NULL, no_dmar, finish_arm},
    {"arm-without-driver", "an ARM server whose kernel has no driver for its SMMU", NULL, no_dmar,
     finish_arm_without_driver},
    {"iommu-off-by-default", "a kernel that leaves the IOMMU off unless told", NULL, by_default,
     set_off_by_default},
    {"intel-iommu-off", "intel_iommu=off", NULL, intel_off, NULL},
    {"amd-iommu-off", "amd_iommu=off", NULL, amd_off, NULL},
    {"iommu-off", "iommu=off", NULL, all_off, NULL},
    {"iommu-off-unexplained", "no IOMMU although nothing turned it off", NULL, unexplained, fail_to_parse},
    {"kernel-without-iommu", "a kernel built without CONFIG_INTEL_IOMMU", NULL, by_default, remove_driver},
    {"amd-iommu-on", "amd_iommu=on, which does nothing", NULL, amd_on, NULL},
    {"intel-iommu-on-amd", "intel_iommu=on with an AMD processor", NULL, intel_on_amd, NULL},
    {"integrated-left-out", "Debian's default: on, but not for integrated graphics", INTEGRATED,
     integrated_left_out, NULL},
    {"no-remapping-in-hardware", "a unit that cannot remap interrupts", NULL, plain_interrupts, weak_unit},
    {"no-remapping-in-firmware", "a firmware that forbids to remap interrupts", NULL, plain_interrupts,
     weak_firmware},
    {"intremap-off", "intremap=off", NULL, told_not_to_remap, NULL},
    {"nointremap", "nointremap, the former spelling", NULL, told_not_to_remap_formerly, NULL},
    {"unsafe-interrupts", "no interrupt remapping, allow_unsafe_interrupts=1", NULL, plain_interrupts,
     allow_unsafe_without_remapping},
    {"unsafe-interrupts-later", "the same before vfio_iommu_type1 is loaded anew", NULL, plain_interrupts,
     set_unsafe_without_remapping},
    {"unsafe-interrupts-needless", "allow_unsafe_interrupts=1 in spite of interrupt remapping", NULL, NULL,
     allow_unsafe},
    {"passthrough-mode", "iommu=pt", NULL, passthrough_mode, NULL},
    {"passthrough-mode-partly", "iommu=pt, yet one group has its DMA translated", NULL, passthrough_mode,
     translate_for_one},
    {"no-passthrough-mode", "a unit without passthrough mode", NULL, NULL, cannot_pass},
    {"acs-override", "pcie_acs_override", NULL, acs_override, NULL},
    {"no-iommu-mode", "vfio's enable_unsafe_noiommu_mode", NULL, NULL, allow_no_iommu},
    {"guest-with-viommu", "the host is a virtual machine that has an IOMMU", NULL, guest, NULL},
    {"guest-without-viommu", "the host is a virtual machine without an IOMMU", NULL, guest_without_viommu,
     NULL},
    {"virtio-iommu-unloaded", "a guest whose driver for its virtio IOMMU is not loaded", NULL,
     guest_with_virtio, add_virtio_iommu},
    {"log-problem", "the kernel log tells of a firmware bug", NULL, NULL, complain},
    {"log-forgotten", "the kernel log has overwritten its start", NULL, NULL, forget_log},
    {"log-unreadable", "there is no kernel log", NULL, NULL, remove_log},
    {0},
};
