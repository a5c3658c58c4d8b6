/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variants of the golden host: a device, its group or its virtual functions are wrong. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"
#include "tests/hosts/use.h"

#include <unistd.h>

/* The golden host's free port has its virtual functions from here on: 64 of them, offset 79. */
#define FIRST_VF     "0000:03:0a.0"
#define CHIPSET_USB  "0000:00:14.0"
#define CHIPSET_WIFI "0000:00:14.3"

static void in_group_of_gpu(struct golden *golden, int function)
{
    golden->functions[function].group = golden->functions[GOLDEN_GPU].group;
}

static void with_root_disk(struct golden *golden)
{
    in_group_of_gpu(golden, GOLDEN_ROOT);
}

static void with_nic(struct golden *golden)
{
    in_group_of_gpu(golden, GOLDEN_NIC);
}

static void with_spare_disk(struct golden *golden)
{
    in_group_of_gpu(golden, GOLDEN_DISK);
}

static void with_driverless_disk(struct golden *golden)
{
    with_spare_disk(golden);
    golden->functions[GOLDEN_DISK].driver = NULL;
}

static void share_elsewhere(struct golden *golden)
{
    golden->functions[GOLDEN_DISK].group = golden->functions[GOLDEN_SPARE_USB].group;
}

static void with_ports(struct golden *golden)
{
    in_group_of_gpu(golden, GOLDEN_PORT);
    in_group_of_gpu(golden, GOLDEN_PORT_OF_ROOT);
}

static void add_empty_slot(const struct host *golden)
{
    (void)golden;
    tree_write("sys/bus/pci/slots/6/address", MODE_READ, "0000:06:00\n");
}

static void in_no_group(struct golden *golden)
{
    golden->functions[GOLDEN_DISK].group = -1;
}

static void with_rmrr(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].reserved = "0x00000000791d8000 0x00000000791dafff direct\n";
}

static void with_relaxable_region(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].reserved = "0x00000000791d8000 0x00000000791dafff direct-relaxable\n";
}

/* A card with a PCI bus of its own. */
static void is_bridge(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].class = 0x060400;
    golden->functions[GOLDEN_GPU].driver = NULL;
    golden->functions[GOLDEN_GPU].bus = 0x01;
}

static void is_memory_controller(struct golden *golden)
{
    struct pci_function *function = &golden->functions[GOLDEN_SPARE_USB];
    function->class = 0x050000;
    function->driver = NULL;
}

static void has_no_reset(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].reset = NULL;
}

/* The first port of the network card is the host's own. */
static void port_has_bus_reset(struct golden *golden)
{
    golden->functions[GOLDEN_NIC].reset = "bus";
    golden->functions[GOLDEN_SPARE_NIC].reset = NULL;
}

static void set_power(const struct host *golden, const char *state, const char *status)
{
    struct path folder = host_find(golden, GPU);
    tree_replace(path("%s/power_state", folder.text).text, "%s\n", state);
    tree_replace(path("%s/power/runtime_status", folder.text).text, "%s\n", status);
}

static void sleep_soundly(const struct host *golden)
{
    set_power(golden, "D3cold", "active");
    log_append("vfio-pci " GPU ": Unable to change power state from D3cold to D0, device inaccessible");
}

static void nap(const struct host *golden)
{
    set_power(golden, "D3hot", "suspended");
}

static void is_boot_vga(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].boot_vga = true;
    golden->functions[GOLDEN_INTEGRATED].boot_vga = false;
}

static void keep_framebuffer(const struct host *golden)
{
    (void)golden;
    tree_replace("proc/iomem", "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : PCI Bus 0000:01\n"
                               "    00000000-00000000 : 0000:01:00.0\n      00000000-00000000 : BOOTFB\n");
    tree_make_folder("sys/bus/platform/devices/efi-framebuffer.0");
}

static void has_no_rom(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].regions[ROM_REGION].size = 0;
}

static void has_shadow_rom(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].regions[ROM_REGION] = (struct region)REGION_SHADOW_ROM;
}

static void has_large_bar(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].regions[1] = (struct region)REGION_PREFETCH(0x4000000000, 8ULL << 30);
}

static void has_huge_bar(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].regions[1] = (struct region)REGION_PREFETCH(0x4000000000, 64ULL << 30);
}

static void disable_vga(const struct host *golden)
{
    (void)golden;
    tree_replace("sys/module/vfio_pci/parameters/disable_vga", "Y\n");
}

static void is_single(struct golden *golden)
{
    golden->functions[GOLDEN_GPU_SOUND] = (struct pci_function){
        .id = "0000:00:16.0", .ids = {0x8086, 0xa2ba, 0x1458, 0x1c3a}, .class = 0x078000, .group = 16};
}

static void has_vfs(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_NIC].vfs.active = 4;
}

static void has_orphans(struct golden *golden)
{
    has_vfs(golden);
    golden->functions[GOLDEN_SPARE_NIC].driver = NULL;
}

static void has_no_sriov_driver(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_NIC].driver = NULL;
}

static void refuse_vfs(const struct host *golden)
{
    (void)golden;
    log_append("i40e " SPARE_NIC ": Driver does not support SRIOV configuration via sysfs");
}

static void lack_memory(const struct host *golden)
{
    (void)golden;
    log_append("i40e " SPARE_NIC ": not enough MMIO resources for SR-IOV");
}

static void lack_buses(const struct host *golden)
{
    (void)golden;
    log_append("i40e " SPARE_NIC ": can't enable 64 VFs (bus 04 out of range of [bus 03])");
}

static void set_max_vfs(const struct host *golden)
{
    (void)golden;
    tree_write("etc/modprobe.d/i40e.conf", MODE_CHANGE, "options i40e max_vfs=4\n");
    tree_set_time("etc/modprobe.d/i40e.conf", GOLDEN_SETTINGS_TIME);
}

static void set_in_sysfs_conf(const struct host *golden)
{
    (void)golden;
    tree_write("etc/sysfs.conf", MODE_CHANGE, "# at boot\nbus/pci/devices/" SPARE_NIC "/sriov_numvfs = 4\n");
}

static void set_driver_in_sysfs_conf(const struct host *golden)
{
    (void)golden;
    tree_write("etc/sysfs.conf", MODE_CHANGE, "bus/pci/devices/" SPARE_NIC "/driver_override = vfio-pci\n");
}

/* GVT-g is enabled, but the module that creates its devices is missing. */
static void enable_gvt(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on i915.enable_gvt=1";
}

static void load_kvmgt(const struct host *golden)
{
    (void)golden;
    module_load("kvmgt");
}

static void make_mdevs(const struct host *golden, unsigned left)
{
    module_load("kvmgt");
    mdev_write_type(
        golden, INTEGRATED,
        &(struct mdev_type){"i915-GVTg_V5_4", NULL, "low_gm_size: 128MB\nresolution: 1920x1200\n", left});
}

static void offer_mdevs(const struct host *golden)
{
    make_mdevs(golden, 1);
}

static void use_up_mdevs(const struct host *golden)
{
    make_mdevs(golden, 0);
}

/* A card of NVIDIA's for servers, which makes virtual functions for its vGPUs. */
static void is_nvidia(struct golden *golden)
{
    struct pci_function *function = &golden->functions[GOLDEN_SPARE_NIC];
    function->ids.vendor = 0x10de;
    function->ids.device = 0x26b9;
    function->class = 0x030200;
    function->driver = "nvidia";
}

static void is_nvidia_with_vfs(struct golden *golden)
{
    is_nvidia(golden);
    golden->functions[GOLDEN_SPARE_NIC].vfs.active = 1;
    golden->functions[GOLDEN_SPARE_NIC].vfs.drivers[0] = "nvidia";
}

static void is_nvidia_on_vfio(struct golden *golden)
{
    is_nvidia_with_vfs(golden);
    golden->functions[GOLDEN_SPARE_NIC].vfs.drivers[0] = "vfio-pci";
}

static void offer_vgpus(const struct host *golden, const char *types, unsigned current)
{
    struct path folder = path("%s/nvidia", host_find(golden, FIRST_VF).text);
    tree_write(path("%s/creatable_vgpu_types", folder.text).text, MODE_READ, "ID    : vGPU Name\n%s", types);
    tree_write(path("%s/current_vgpu_type", folder.text).text, MODE_CHANGE, "%u\n", current);
}

static void offer_vgpu_types(const struct host *golden)
{
    offer_vgpus(golden, "1145  : NVIDIA L40S-1B\n1147  : NVIDIA L40S-1Q\n", 0);
}

static void offer_no_vgpu(const struct host *golden)
{
    offer_vgpus(golden, "", 0);
}

static void has_vgpu(const struct host *golden)
{
    offer_vgpus(golden, "", 1147);
}

/* The slot does not isolate what is behind it, so a virtual function is in its physical function's group. */
static void vf_with_parent(struct golden *golden)
{
    struct pci_function *nic = &golden->functions[GOLDEN_SPARE_NIC];
    nic->vfs.active = 1;
    nic->vfs.first_group = nic->group;
    nic->vfs.drivers[0] = "iavf";
}

static void port_with_vfs(struct golden *golden)
{
    struct pci_function *nic = &golden->functions[GOLDEN_SPARE_NIC];
    nic->vfs.active = 2;
    golden->functions[GOLDEN_DISK].group = nic->group;
}

static void both_ports(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_NIC].group = golden->functions[GOLDEN_NIC].group;
}

/* The chipset's xHCI, and in the same slot and group the wireless part, which has the default route. */
static void is_chipset(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_USB] = (struct pci_function){.id = CHIPSET_WIFI,
                                                                .ids = {0x8086, 0x7af0, 0x8086, 0x0094},
                                                                .class = 0x028000,
                                                                .driver = "iwlwifi",
                                                                .group = golden->functions[GOLDEN_USB].group,
                                                                .reset = "flr pm"};
}

static void route_by_wifi(const struct host *golden)
{
    interface_write(host_find(golden, CHIPSET_WIFI).text, "wlan0", true);
    tree_replace("proc/net/route",
                 "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                 "wlan0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
}

/* An APU: its graphics and their sound share a slot with the security processor and a USB controller. */
static void is_apu(struct golden *golden)
{
    struct pci_function *usb = &golden->functions[GOLDEN_SPARE_USB], *psp = &golden->functions[GOLDEN_ISA];
    golden->functions[GOLDEN_GPU].ids.vendor = golden->functions[GOLDEN_GPU_SOUND].ids.vendor = 0x1002;
    golden->functions[GOLDEN_GPU].ids.device = 0x1638;
    golden->functions[GOLDEN_GPU_SOUND].ids.device = 0x1637;
    *psp = (struct pci_function){.id = "0000:01:00.2",
                                 .behind = "0000:00:01.0",
                                 .ids = {0x1022, 0x15df, 0x1022, 0x15df},
                                 .class = 0x108000,
                                 .driver = "ccp",
                                 .group = 20};
    *usb = (struct pci_function){.id = "0000:01:00.3",
                                 .behind = "0000:00:01.0",
                                 .ids = {0x1022, 0x1639, 0x1022, 0x1639},
                                 .class = 0x0c0330,
                                 .driver = "xhci_hcd",
                                 .group = 21};
}

static void sound_of_host(struct golden *golden)
{
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void play_on_card(const struct host *golden)
{
    sound_write(host_find(golden, GPU_SOUND).text, 1, 0);
    process_write(1777, "pulseaudio", "/dev/snd/pcmC1D0p");
    tree_replace("proc/asound/card1/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 1777\n");
}

const struct variant variants_of_device[] = {
    {"group-with-root-disk", "the card shares its group with the disk that has the root file system", GPU,
     with_root_disk, NULL},
    {"group-with-nic", "the card shares its group with the network card that the host uses", GPU, with_nic,
     NULL},
    {"group-with-disk", "the card shares its group with a disk that nobody uses", GPU, with_spare_disk, NULL},
    {"group-with-driverless", "the card shares its group with a disk without driver", GPU,
     with_driverless_disk, NULL},
    {"group-with-empty-slot", "the same, and there is an empty slot", GPU, with_spare_disk, add_empty_slot},
    {"group-with-ports", "the card shares its group with root ports, which is as good as alone", GPU,
     with_ports, NULL},
    {"groups-shared", "two other cards share a group", NULL, share_elsewhere, NULL},
    {"no-group", "a function for which no IOMMU is responsible", SPARE_DISK, in_no_group, NULL},
    {"rmrr", "the firmware keeps memory for the card", GPU, with_rmrr, NULL},
    {"rmrr-relaxable", "the firmware kept memory for the card while booting", GPU, with_relaxable_region,
     NULL},
    {"bridge", "the card is a bridge", GPU, is_bridge, NULL},
    {"memory-controller", "the card is a memory controller", SPARE_USB, is_memory_controller, NULL},
    {"no-reset", "the kernel cannot reset the card", GPU, has_no_reset, NULL},
    {"bus-reset-of-host", "the kernel resets a port only with the other, which the host uses", SPARE_NIC,
     port_has_bus_reset, NULL},
    {"d3cold", "the card does not wake up from D3cold", GPU, NULL, sleep_soundly},
    {"d3hot", "the card sleeps in D3hot until it is needed", GPU, NULL, nap},
    {"boot-vga", "the firmware started on the card", GPU, is_boot_vga, NULL},
    {"framebuffer", "the firmware's framebuffer lies in the card's memory", GPU, NULL, keep_framebuffer},
    {"no-rom", "the card has no ROM", GPU, has_no_rom, NULL},
    {"shadow-rom", "the card's ROM is the copy in memory", GPU, has_shadow_rom, NULL},
    {"large-bar", "the card has a BAR of 8 GiB", GPU, has_large_bar, NULL},
    {"huge-bar", "the card has a BAR of 64 GiB, and the CPU 39 address bits", GPU, has_huge_bar, NULL},
    {"vga-arbitration-off", "vfio-pci's disable_vga=1", GPU, NULL, disable_vga},
    {"single-function", "the card has no sound", GPU, is_single, NULL},
    {"sriov-enabled", "there are virtual functions", SPARE_NIC, has_vfs, NULL},
    {"sriov-virtual-function", "one of them", FIRST_VF, has_vfs, NULL},
    {"sriov-orphan", "one of them, whose physical function has no driver", FIRST_VF, has_orphans, NULL},
    {"sriov-without-driver", "virtual functions would be possible with the driver", SPARE_NIC,
     has_no_sriov_driver, NULL},
    {"sriov-unsupported", "the driver makes no virtual functions", SPARE_NIC, NULL, refuse_vfs},
    {"sriov-no-memory", "no address space for virtual functions", SPARE_NIC, NULL, lack_memory},
    {"sriov-no-buses", "no bus numbers for virtual functions", SPARE_NIC, NULL, lack_buses},
    {"max-vfs", "the module option max_vfs", SPARE_NIC, NULL, set_max_vfs},
    {"sysfs-conf", "sriov_numvfs in /etc/sysfs.conf, not in effect", SPARE_NIC, NULL, set_in_sysfs_conf},
    {"sysfs-conf-in-effect", "sriov_numvfs in /etc/sysfs.conf, in effect", SPARE_NIC, has_vfs,
     set_in_sysfs_conf},
    {"sysfs-conf-driver", "driver_override in /etc/sysfs.conf", SPARE_NIC, NULL, set_driver_in_sysfs_conf},
    {"gvt-without-kvmgt", "i915.enable_gvt=1, kvmgt is not loaded", INTEGRATED, enable_gvt, NULL},
    {"gvt-without-parameter", "kvmgt is loaded, but not i915.enable_gvt=1", INTEGRATED, NULL, load_kvmgt},
    {"gvt-without-types", "both, and yet no mediated devices", INTEGRATED, enable_gvt, load_kvmgt},
    {"mdev", "mediated devices of one type", INTEGRATED, enable_gvt, offer_mdevs},
    {"mdev-used-up", "mediated devices, and none is left", INTEGRATED, enable_gvt, use_up_mdevs},
    {"nvidia-without-vfs", "an NVIDIA card whose virtual functions are not made", SPARE_NIC, is_nvidia, NULL},
    {"nvidia-without-types", "one of them, without the vendor's interface", FIRST_VF, is_nvidia_with_vfs,
     NULL},
    {"nvidia-on-vfio", "one of them, on vfio-pci", FIRST_VF, is_nvidia_on_vfio, NULL},
    {"nvidia-types", "one of them, which can become a vGPU", FIRST_VF, is_nvidia_with_vfs, offer_vgpu_types},
    {"nvidia-full", "one of them, for which the card has no room", FIRST_VF, is_nvidia_with_vfs,
     offer_no_vgpu},
    {"nvidia-current", "one of them, which is a vGPU", FIRST_VF, is_nvidia_with_vfs, has_vgpu},
    {"vf-with-parent", "a virtual function in the group of its physical one", FIRST_VF, vf_with_parent, NULL},
    {"group-with-vfs", "a disk that shares its group with a port that has virtual functions", SPARE_DISK,
     port_with_vfs, NULL},
    {"both-ports", "the free port of a network card, in one group with the port that is in use", SPARE_NIC,
     both_ports, NULL},
    {"chipset-slot", "the chipset's USB, in one group with the wireless network", CHIPSET_USB, is_chipset,
     route_by_wifi},
    {"apu", "the graphics of an APU, in one slot with its other parts", GPU, is_apu, NULL},
    {"card-sound-in-use", "the host plays sound on the graphics card", GPU, sound_of_host, play_on_card},
    {0},
};
