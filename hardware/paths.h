/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every path below /sys and /proc that hostpci reads, writes or names to a user. Paths have no leading slash,
 * as hardware/sysfs.h wants them; a message puts one in front: "/%s", or "/" PROC_CPUINFO.
 *
 * A path is a value, so a caller has nothing to free: sysfs_read(root, path_of_function(id, "driver").text,
 * ...). Like all values without a name, that text is gone when the statement ends. */
#ifndef HOSTPCI_HARDWARE_PATHS_H
#define HOSTPCI_HARDWARE_PATHS_H

#define SYS                      "sys"
#define SYS_ACPI_TABLES          "sys/firmware/acpi/tables"
#define SYS_BTRFS                "sys/fs/btrfs"
#define SYS_CGROUP               "sys/fs/cgroup"
#define SYS_CLASS                "sys/class"
#define SYS_CLASS_BLOCK          "sys/class/block"
#define SYS_CLASS_DRM            "sys/class/drm"
#define SYS_CLASS_GRAPHICS       "sys/class/graphics"
#define SYS_CLASS_INFINIBAND     "sys/class/infiniband"
#define SYS_CLASS_IOMMU          "sys/class/iommu"
#define SYS_CLASS_KVM            "sys/class/misc/kvm"
#define SYS_CLASS_NET            "sys/class/net"
#define SYS_CLASS_NVME           "sys/class/nvme"
#define SYS_CLASS_NVME_SUBSYSTEM "sys/class/nvme-subsystem"
#define SYS_CLASS_SOUND          "sys/class/sound"
#define SYS_CLASS_TTY            "sys/class/tty"
#define SYS_CLASS_VFIO           "sys/class/vfio-dev"
#define SYS_CLASS_VTCONSOLE      "sys/class/vtconsole"
#define SYS_CLASS_WATCHDOG       "sys/class/watchdog"
#define SYS_DEVICES              "sys/devices"
#define SYS_DEV_BLOCK            "sys/dev/block"
#define SYS_DEV_CHAR             "sys/dev/char"
#define SYS_EFI                  "sys/firmware/efi"
#define SYS_HUGEPAGES            "sys/kernel/mm/hugepages"
#define SYS_IOMMU_GROUPS         "sys/kernel/iommu_groups"
#define SYS_KSM_SHARING          "sys/kernel/mm/ksm/pages_sharing"
#define SYS_LOADER_INFO          "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define SYS_LOCKDOWN             "sys/kernel/security/lockdown"
#define SYS_MDEV_DEVICES         "sys/bus/mdev/devices"
#define SYS_MODULES              "sys/module"
#define SYS_PCI_DEVICES          "sys/bus/pci/devices"
#define SYS_PCI_DRIVERS          "sys/bus/pci/drivers"
#define SYS_PCI_DRIVERS_PROBE    "sys/bus/pci/drivers_probe"
#define SYS_PCI_SLOTS            "sys/bus/pci/slots"
#define SYS_PLATFORM_DEVICES     "sys/bus/platform/devices"
#define SYS_SECURE_BOOT          "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SYS_USB_DEVICES          "sys/bus/usb/devices"

#define PROC                     "proc"
#define PROC_ARCH                "proc/sys/kernel/arch" /* since Linux 6.1 */
#define PROC_ASOUND              "proc/asound"
#define PROC_BOOT_ID             "proc/sys/kernel/random/boot_id"
#define PROC_CMDLINE             "proc/cmdline"
#define PROC_CONFIG              "proc/config.gz"
#define PROC_CONSOLES            "proc/consoles"
#define PROC_CPUINFO             "proc/cpuinfo"
#define PROC_INIT_MOUNTS         "proc/1/mountinfo"
#define PROC_INTERRUPTS          "proc/interrupts"
#define PROC_IOMEM               "proc/iomem"
#define PROC_LOADAVG             "proc/loadavg"
#define PROC_MEMINFO             "proc/meminfo"
#define PROC_MODPROBE            "proc/sys/kernel/modprobe"
#define PROC_NET                 "proc/net"
#define PROC_NETWORK_NAMESPACE   "proc/self/ns/net"
#define PROC_NVIDIA              "proc/driver/nvidia/gpus"
#define PROC_OSRELEASE           "proc/sys/kernel/osrelease"
#define PROC_OSTYPE              "proc/sys/kernel/ostype"
#define PROC_OWN_MOUNTS          "proc/self/mountinfo"
#define PROC_STAT                "proc/stat"
#define PROC_SWAPS               "proc/swaps"
#define PROC_UPTIME              "proc/uptime"
#define PROC_VERSION             "proc/sys/kernel/version"
#define PROC_ZFS                 "proc/spl/kstat/zfs"

struct host_path {
    char text[640]; /* room for two names of the kernel's greatest length */
};

/* FOLDER/NAME/FILE, or FOLDER/NAME if `file` is NULL. If that is longer than any path of the kernel's, the
 * text is empty, and no such file exists. `name` must not come from outside unchecked. */
struct host_path path_below(const char *folder, const char *name, const char *file);

struct host_path path_of_function(const char *id, const char *file);   /* of a PCI function */
struct host_path path_of_module(const char *module, const char *file); /* its name may have '-' for '_' */
struct host_path path_of_group(int group, const char *file);           /* of an IOMMU group */
struct host_path path_of_process(int process, const char *file);

#endif
