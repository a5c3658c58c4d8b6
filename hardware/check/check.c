/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of checks, and how they are run and shown. */
#include "hardware/check/check.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

/* Sections of the manual's page "PCI(e) Passthrough". */
#define GENERAL  "General Requirements"
#define HOST     "Host Configuration"
#define MODE     "IOMMU Passthrough Mode"
#define MODULES  "Kernel Modules"
#define FINISH   "Finish Configuration"
#define SLOTS    "PCI(e) slots"
#define UNSAFE   "Unsafe interrupts"
#define DEVICE   "Host Device Passthrough"
#define VERIFY   "Verify Configuration"
#define VM       "VM Configuration"
#define SRIOV    "SR-IOV"
#define MEDIATED "Mediated Devices (vGPU, GVT-g)"
#define VIOMMU   "vIOMMU (emulated IOMMU)"
#define OURS     "(not in the manual)"

/* clang-format off */
const struct check checks[] = {
    /* the host */
    {"cpu-virtualization", CHECK_HOST, false, GENERAL,
     "Your hardware needs to support [it], this includes the CPU and the motherboard.",
     "flags vmx and svm in /" PROC_CPUINFO, check_cpu},
    {"iommu-firmware", CHECK_HOST, true, HOST,
     "First, you will have to enable IOMMU support in your BIOS/UEFI. Usually the corresponding setting is called "
     "IOMMU or VT-d.",
     "tables DMAR, IVRS, VIOT and IORT in /" SYS_ACPI_TABLES, check_firmware},
    {"iommu-enabled", CHECK_HOST, true, FINISH,
     "Finally reboot to bring the changes into effect and check that it is indeed enabled.",
     "groups and units in /sys; if there are none, what turned it off: intel_iommu=off, amd_iommu=off, iommu=off, or "
     "the kernel's default", check_iommu},
    {"iommu-parameter", CHECK_HOST, false, HOST,
     "For Intel CPUs, you also need to enable the IOMMU on the kernel command line (intel_iommu=on). For AMD CPUs it "
     "should be enabled automatically.",
     "parameters that do nothing; a kernel that leaves integrated graphics out", check_iommu_parameter},
    {"interrupt-remapping", CHECK_HOST, true, GENERAL,
     "Your hardware needs to support IOMMU (I/O Memory Management Unit) interrupt remapping.",
     "chips IR-... in /" PROC_INTERRUPTS ", the units' extended capability register, the DMAR table, intremap=off",
     check_interrupt_remapping},
    {"unsafe-interrupts", CHECK_HOST, false, UNSAFE,
     "For some platforms, it may be necessary to allow unsafe interrupts. Please be aware that this option can make your "
     "system unstable.",
     "vfio_iommu_type1's allow_unsafe_interrupts, in effect and in modprobe.d", check_unsafe_interrupts},
    {"passthrough-mode", CHECK_HOST, false, MODE,
     "If your hardware supports IOMMU passthrough mode, enabling this mode might increase performance (iommu=pt).",
     "the groups' type, iommu=pt, the units' capability", check_passthrough_mode},
    {"vfio-loaded", CHECK_HOST, true, MODULES,
     "You have to make sure the following modules are loaded: vfio.",
     "loaded, built in, available or missing", check_vfio},
    {"vfio-iommu-type1-loaded", CHECK_HOST, true, MODULES,
     "You have to make sure the following modules are loaded: vfio_iommu_type1.",
     "the same", check_vfio_iommu_type1},
    {"vfio-pci-loaded", CHECK_HOST, true, MODULES,
     "You have to make sure the following modules are loaded: vfio_pci.",
     "the same", check_vfio_pci},
    {"vfio-virqfd-loaded", CHECK_HOST, true, MODULES,
     "vfio_virqfd: not needed if on kernel 6.2 or newer.",
     "the same, before kernel 6.2", check_vfio_virqfd},
    {"modules-at-boot", CHECK_HOST, false, MODULES,
     "This can be achieved by adding them to '/etc/modules'.",
     "/etc/modules, modules-load.d, /etc/initramfs-tools/modules", check_modules_at_boot},
    {"initramfs-current", CHECK_HOST, false, MODULES,
     "After changing anything modules related, you need to refresh your initramfs.",
     "its time against that of /etc/modprobe.d and /etc/initramfs-tools/modules", check_initramfs},
    {"vfio-ids-syntax", CHECK_HOST, false, DEVICE,
     "pass the device IDs to the options of the vfio-pci modules by adding options vfio-pci ids=1234:5678,4321:8765",
     "that vfio-pci can understand them", check_ids_syntax},
    {"kernel-log-iommu", CHECK_HOST, false, FINISH,
     "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi should display that IOMMU, Directed I/O or Interrupt Remapping is enabled.",
     "those lines of the kernel log", check_log_enabled},
    {"kernel-log-problems", CHECK_HOST, false, GENERAL,
     "it is not guaranteed that everything will work out of the box, due to bad hardware implementation and missing or "
     "low quality drivers.",
     "lines of the kernel log on firmware bugs and DMA faults", check_log_problems},
    {"groups-shared", CHECK_HOST, false, FINISH,
     "It is also important that the device(s) you want to pass through are in a separate IOMMU group.",
     "groups with more than one device", check_groups},
    {"acs-override", CHECK_HOST, false, SLOTS,
     "if you do not get the desired IOMMU group separation",
     "pcie_acs_override on the command line, which only pretends it", check_acs_override},
    {"vfio-no-iommu-mode", CHECK_HOST, false, OURS, "",
     "vfio's enable_unsafe_noiommu_mode", check_no_iommu_mode},
    {"host-is-guest", CHECK_HOST, false, VIOMMU,
     "Using the vIOMMU option also allows you to pass through PCI devices to level-2 VMs in level-1 VMs via Nested "
     "Virtualization.",
     "the CPU flag hypervisor, and whether there is an IOMMU", check_nested},
    {"unreadable-files", CHECK_HOST, false, OURS, "",
     "what could not be read, and why", check_unreadable}, /* last: it reports on the others */

    /* a device */
    {"bridge", CHECK_DEVICE, true, FINISH,
     "It is okay if the device is in an IOMMU group together with [...] its root port or PCI(e) bridge.",
     "base class 06; a bridge itself is never passed through", check_bridge},
    {"host-use", CHECK_DEVICE, true, "(introduction)",
     "if you pass through a device to a virtual machine, you cannot use that device anymore on the host or in any other "
     "VM.",
     "disks, network, displays, USB, sound, VMs that use it", check_host_use},
    {"iommu-group", CHECK_DEVICE, true, FINISH,
     "It is also important that the device(s) you want to pass through are in a separate IOMMU group.",
     "that it is in one; integrated graphics are left out by some kernels", check_group},
    {"group-shared", CHECK_DEVICE, true, FINISH,
     "It is okay if the device is in an IOMMU group together with its functions (e.g. a GPU with the HDMI Audio device) or "
     "with its root port or PCI(e) bridge.",
     "who else is in it, and whether the host uses that", check_group_shared},
    {"group-slot", CHECK_DEVICE, false, SLOTS,
     "it can help to put the card in a another PCI(e) slot, if you do not get the desired IOMMU group separation.",
     "its slot and the empty ones", check_slot},
    {"reserved-region", CHECK_DEVICE, true, GENERAL,
     "it is not guaranteed that everything will work out of the box, due to bad hardware implementation",
     "direct regions of its group: memory that the firmware keeps for it (RMRR)", check_reserved},
    {"driver-in-use", CHECK_DEVICE, false, VERIFY,
     "If it says Kernel driver in use: vfio-pci or the in use line is missing entirely, the device is ready to be used for "
     "passthrough.",
     "the bound driver", check_driver},
    {"candidate-modules", CHECK_DEVICE, false, DEVICE,
     "To find the drivername, execute lspci -k.",
     "modules that could drive a device that has no driver of the host", check_modules},
    {"vfio-ids", CHECK_DEVICE, false, DEVICE,
     "pass the device IDs to the options of the vfio-pci modules; For both methods you need to update the initramfs again "
     "and reboot after that.",
     "whether vfio-pci got it, and who was faster", check_ids},
    {"vfio-ids-others", CHECK_DEVICE, false, DEVICE,
     "options vfio-pci ids=1234:5678,4321:8765",
     "other devices with the same ids", check_ids_of_others},
    {"driver-blacklist", CHECK_DEVICE, false, DEVICE,
     "blacklist the driver on the host completely, ensuring that it is free to bind for passthrough",
     "blacklist and install lines for its modules, and whether they work", check_blacklist},
    {"driver-softdep", CHECK_DEVICE, false, DEVICE,
     "Should this not work, you might need to set a soft dependency to load the gpu modules before loading vfio-pci.",
     "softdep lines with vfio-pci for its modules", check_softdep},
    {"power-state", CHECK_DEVICE, false, OURS, "",
     "a device that sleeps in D3 and does not wake up", check_power},
    {"reset-method", CHECK_DEVICE, false, OURS, "",
     "a device that the kernel cannot reset", check_reset},
    {"memory-controller", CHECK_DEVICE, false, FINISH,
     "pvesh get /nodes/{nodename}/hardware/pci --pci-class-blacklist \"\"",
     "class 05, which lists leave out unless asked", check_memory_controller},
    {"all-functions", CHECK_DEVICE, false, VM,
     "If your device has multiple functions (e.g., '00:02.0' and '00:02.1'), you can pass them through all together with "
     "the shortened syntax '00:02'.",
     "its other functions", check_functions},
    {"large-bar", CHECK_DEVICE, false, VM,
     "When passing through a GPU, the best compatibility is reached when using q35 as machine type, OVMF (UEFI for VMs) "
     "instead of SeaBIOS and PCIe instead of PCI.",
     "BARs of 1 GiB and more, against the CPU's address bits", check_large_bar},
    {"boot-vga", CHECK_DEVICE, false, VM,
     "romfile=<path>, is an optional path to a ROM file for the device to use.",
     "the graphics card that the firmware started on", check_boot_vga},
    {"framebuffer", CHECK_DEVICE, false, DEVICE,
     "Proxmox VE tries to automatically make the PCI(e) device unavailable for the host. However, if this doesn't work",
     "the firmware's framebuffer in its memory, in /" PROC_IOMEM, check_framebuffer},
    {"rom", CHECK_DEVICE, false, VM,
     "the GPU needs to have an UEFI capable ROM, otherwise use SeaBIOS instead.",
     "that there is a ROM; never its content, which must be enabled first", check_rom},
    {"vga-arbitration", CHECK_DEVICE, false, VM,
     "using OVMF, disabling vga arbitration may be possible: disable_vga=1",
     "vfio-pci's disable_vga", check_vga_arbitration},
    {"sriov", CHECK_DEVICE, false, SRIOV,
     "SR-IOV enables a single device to provide multiple VF (Virtual Functions) to the system.",
     "how many it can have and has", check_sriov},
    {"sriov-active", CHECK_DEVICE, true, SRIOV,
     "Each of those VF can be used in a different VM",
     "a physical function with virtual ones, which vfio-pci refuses", check_sriov_active},
    {"sriov-driver", CHECK_DEVICE, false, SRIOV,
     "If a device and driver supports this you can change the number of VFs on the fly.",
     "its driver, and what that said in the kernel log", check_sriov_driver},
    {"sriov-resources", CHECK_DEVICE, false, SRIOV,
     "It may be necessary to enable this feature in the BIOS/UEFI first, or to use a specific PCI(e) port for it to work.",
     "address space and bus numbers for its virtual functions", check_sriov_resources},
    {"sriov-module-option", CHECK_DEVICE, false, SRIOV,
     "sometimes there is an option for the driver module e.g. for some Intel drivers (max_vfs=4)",
     "max_vfs and num_vfs in modprobe.d", check_sriov_option},
    {"sriov-sysfs-conf", CHECK_DEVICE, false, SRIOV,
     "To make this change persistent you can use the 'sysfsutils' Debian package. [...] configure it via /etc/sysfs.conf "
     "or a 'FILE.conf' in /etc/sysfs.d/.",
     "entries for its sriov_numvfs", check_sriov_sysfs},
    {"physical-function", CHECK_DEVICE, false, SRIOV,
     "After creating VFs, you should see them as separate PCI(e) devices",
     "that a virtual function's physical one still has its driver", check_physical_function},
    {"mdev-types", CHECK_DEVICE, false, MEDIATED,
     "available_instances contains the amount of still available instances of this type, each mdev use in a VM reduces "
     "this.",
     "types of mediated devices and what is left of them", check_mdev_types},
    {"gvt", CHECK_DEVICE, false, MEDIATED,
     "To enable it for Intel Graphics, you have to make sure to load the module kvmgt and to enable it on the Kernel "
     "commandline (i915.enable_gvt=1).",
     "both, on graphics of the 5th to 7th generation", check_gvt},
    {"nvidia-vgpu", CHECK_DEVICE, false, MEDIATED,
     "In general your card's driver must support that feature, otherwise it will not work.",
     "NVIDIA's vendor interface on its virtual functions", check_nvidia},
};
/* clang-format on */

const size_t check_count = COUNT_OF(checks);

const char *const severity_names[] = {"ok", "info", "warning", "error"};

const struct check *check_find(const char *id)
{
    for (size_t i = 0; i < check_count; i++)
        if (strcmp(checks[i].id, id) == 0)
            return &checks[i];
    return NULL;
}

void finding_release(struct finding *finding)
{
    text_release(&finding->message);
    text_release(&finding->evidence);
    text_release(&finding->remedy);
}

bool check_run(const struct check *check, const struct subject *subject, struct finding *ret)
{
    struct finding finding = {0};

    if (!check->run(subject, &finding)) {
        finding_release(&finding);
        return false;
    }
    assert(finding.message.length > 0 && (check->decides || finding.severity != SEVERITY_ERROR));
    *ret = finding;
    return true;
}

json_t *finding_to_json(const char *check, const struct finding *finding)
{
    const char *evidence = text_string(&finding->evidence), *remedy = text_string(&finding->remedy);
    size_t length = strlen(remedy);
    json_t *object = json_pack("{s:s, s:s, s:s}", "id", check, "severity", severity_names[finding->severity],
                               "message", text_string(&finding->message));

    if (*evidence != '\0')
        json_object_set_new(object, "evidence", json_string(evidence));
    if (length > 0)
        json_object_set_new(object, "remedy", json_stringn(remedy, length - (remedy[length - 1] == '\n')));
    return object;
}
