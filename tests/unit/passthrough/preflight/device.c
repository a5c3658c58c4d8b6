/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with the devices of a VM, and what is advised for them. */
#include "tests/unit/passthrough/preflight/fixture.h"

#define ALL_TYPES "ID    : vGPU Name\n1147  : NVIDIA L40S-1Q\n1155  : NVIDIA L40S-48Q\n"

const struct provoked provoked_by_devices[] = {
    {.about = "the IOMMU is off",
     .host = "golden:iommu-off",
     .config = "{'hostpci1': '04:00.0'}",
     .expected = "error iommu-enabled The IOMMU is off because of a kernel parameter: iommu=off.\n"
                 "  = /proc/cmdline: BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/nvme0n1p2 ro quiet "
                 "intel_iommu=on iommu=off; /sys/class/iommu: empty\n"
                 "  > sed -i -E '/^GRUB_CMDLINE_LINUX/s/((^|[\"\\x27])| +)iommu=off([\"\\x27 ]|$)/\\2\\3/' "
                 "/etc/default/grub\n"
                 "  > update-grub\n"
                 "  > reboot\n"
                 "error device-chosen cannot prepare PCI pass-through, IOMMU not present\n"
                 "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom; hostpci1: 04:00.0\n"
                 "  > hostpci get /nodes/localhost/hardware/iommu\n"},
    {.about = "a module of vfio is not loaded",
     .host = "golden:virqfd-unloaded",
     .expected =
         "info vfio-virqfd-loaded The kernel module vfio_virqfd is not loaded yet, but it is available.\n"
         "  = /sys/module/vfio_virqfd: absent\n"
         "  > modprobe vfio_virqfd\n"},
    {.about = "no such device",
     .config = "{'hostpci1': '09:00.0'}",
     .expected = "error device-chosen no PCI device found for '0000:09:00.0'\n"
                 "  = hostpci1: 09:00.0\n"
                 "  > # choose another of the host's devices:\n"
                 "  > hostpci get /nodes/localhost/hardware/pci\n"},
    {.about = "a device twice",
     .config = "{'hostpci1': '01:00.1'}",
     .expected = "error device-chosen device '0000:01:00.1' assigned more than once\n"
                 "  = hostpci1: 01:00.1\n"
                 "  > # choose another of the host's devices:\n"
                 "  > hostpci get /nodes/localhost/hardware/pci\n"},
    {.about = "another VM has it",
     .config = "{'hostpci1': '04:00.0'}",
     .device = "0000:04:00.0",
     .vmid = 200,
     .expected = "error device-chosen PCI device '0000:04:00.0' already in use by VMID '200'\n"
                 "  = hostpci1: 04:00.0\n"
                 "  > # choose another of the host's devices:\n"
                 "  > hostpci get /nodes/localhost/hardware/pci\n"},
    {.about = "no such mapping",
     .config = "{'hostpci1': 'mapping=gpu'}",
     .expected = "error device-chosen PCI device mapping not found for 'gpu'\n"
                 "  = hostpci1: mapping=gpu\n"
                 "  > # add one of this host's devices to the mapping, by its ID:\n"
                 "  > hostpci get /nodes/localhost/hardware/pci\n"
                 "  > hostpci create /nodes/localhost/hardware/pci/ID/map --mapping gpu\n"},
    {.about = "no device of a mapping",
     .config = "{'hostpci1': 'mapping=gpu'}",
     .mapping = "{'map': [{'node': 'pve1', 'path': '0000:04:00.0', 'id': '144d:a808', 'subsystem-id': "
                "'144d:a801', 'iommugroup': 11}, {'node': 'pve1', 'path': '0000:05:00.0', 'id': '1912:0015', "
                "'subsystem-id': '1912:0014', 'iommugroup': 13}]}",
     .device = "0000:04:00.0",
     .vmid = 200,
     .expected = "error device-chosen could not find a free device for 'hostpci1': PCI device '0000:04:00.0' "
                 "already in use by VMID '200'\n"
                 "  = hostpci1: mapping=gpu; 0000:04:00.0: PCI device '0000:04:00.0' already in use by VMID "
                 "'200'; 0000:05:00.0: PCI device mapping invalid (hardware probably changed): 'id' does not "
                 "match for 'gpu' (1912:0014 != 1912:0015)\n"
                 "  > # see what the mapping stands for, and which VM has it:\n"
                 "  > hostpci get /cluster/mapping/pci --check-node localhost\n"
                 "  > hostpci get /cluster/mapping/pci/gpu/capacity\n"},
    {.about = "a mapping's second device",
     .config = "{'hostpci1': 'mapping=gpu'}",
     .mapping = "{'map': [{'node': 'pve1', 'path': '0000:04:00.0', 'id': '144d:a808', 'subsystem-id': "
                "'144d:a801', 'iommugroup': 11}, {'node': 'pve1', 'path': '0000:05:00.0', 'id': '1912:0014', "
                "'subsystem-id': '1912:0014', 'iommugroup': 13}]}",
     .device = "0000:04:00.0",
     .vmid = 200,
     .expected = "info device-detached hostpci1: when the VM starts the host loses 0000:05:00.0 (xhci_hcd).\n"
                 "  = /sys/bus/pci/devices/0000:05:00.0/driver: xhci_hcd\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci1 mapping=gpu,reattach=1\n"},
    {.about = "the disk of the root file system",
     .config = "{'hostpci1': '02:00.0'}",
     .expected = "error host-use hostpci1, 0000:02:00.0: The host cannot run without it: disk nvme0n1 "
                 "carries the root file system, through nvme0n1p2.\n"
                 "  = /proc/1/mountinfo: 32 1 259:2 / / rw,relatime shared:32 - ext4 /dev/nvme0n1p2 rw\n"
                 "  > # choose another device; or move the system to a disk on another controller\n"
                 "info device-detached hostpci1: when the VM starts the host loses 0000:02:00.0 (nvme).\n"
                 "  = /sys/bus/pci/devices/0000:02:00.0/driver: nvme\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci1 02:00.0,reattach=1\n"},
    {.about = "the default route",
     .config = "{'hostpci1': '03:00.0'}",
     .expected = "error host-use hostpci1, 0000:03:00.0: The host is using it: interface enp3s0f0 is up, "
                 "carries the default route (192.0.2.1) of vmbr0, address 192.0.2.2, port of bridge vmbr0.\n"
                 "  = /proc/net/route: vmbr0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n"
                 "  > # give its addresses and routes to another interface (/etc/network/interfaces), then "
                 "take it down:\n"
                 "  > ip link set enp3s0f0 down\n"
                 "info device-detached hostpci1: when the VM starts the host loses 0000:03:00.0 (i40e).\n"
                 "  = /sys/bus/pci/devices/0000:03:00.0/driver: i40e\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci1 03:00.0,reattach=1\n"},
    {.about = "a bridge",
     .config = "{'hostpci1': '00:1c.0'}",
     .expected = "error bridge hostpci1, 0000:00:1c.0: It is a bridge: bridges stay with the host, only "
                 "devices are passed through.\n"
                 "  = /sys/bus/pci/devices/0000:00:1c.0/class: 0x060400\n"},
    {.about = "the root disk in its IOMMU group",
     .host = "golden:group-with-root-disk",
     .expected = "error group-shared hostpci0, 0000:01:00.0, 0000:01:00.1: Its IOMMU group also holds what "
                 "the host uses and would lose: 0000:02:00.0 (nvme).\n"
                 "  = /sys/kernel/iommu_groups/2/devices: 3; /proc/1/mountinfo: 32 1 259:2 / / rw,relatime "
                 "shared:32 - ext4 /dev/nvme0n1p2 rw\n"
                 "  > # stop using those on the host, or get it a smaller group: turn on ACS in the firmware "
                 "setup (BIOS/UEFI; AMD: CBS, NBIO), or put the card into another slot: see group-slot\n"
                 "info device-detached hostpci0: when the VM starts the host loses 0000:02:00.0 (nvme).\n"
                 "  = /sys/bus/pci/devices/0000:02:00.0/driver: nvme\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,reattach=1,romfile=both.rom,x-vga=1\n"},
    {.about = "another disk in its IOMMU group",
     .host = "golden:group-with-disk",
     .expected = "warning group-shared hostpci0, 0000:01:00.0, 0000:01:00.1: Its IOMMU group also holds "
                 "other devices, which the host loses while a VM has it: 0000:04:00.0 (nvme).\n"
                 "  = /sys/kernel/iommu_groups/2/devices: 3\n"
                 "  > # to keep those, get it a smaller group: turn on ACS in the firmware setup (BIOS/UEFI; "
                 "AMD: CBS, NBIO), or put the card into another slot: see group-slot\n"
                 "info device-detached hostpci0: when the VM starts the host loses 0000:04:00.0 (nvme).\n"
                 "  = /sys/bus/pci/devices/0000:04:00.0/driver: nvme\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,reattach=1,romfile=both.rom,x-vga=1\n"},
    {.about = "functions that cannot be reset",
     .host = "golden:no-reset",
     .expected = "warning reset-method hostpci0, 0000:01:00.0, 0000:01:00.1: The kernel has no way to reset "
                 "it: what one VM leaves in it stays there, and it may work only once.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0/reset_method: absent; "
                 "/sys/bus/pci/devices/0000:01:00.1/reset_method: bus\n"
                 "  > # if it does not work in a second VM, or after that one is started again: reboot\n"},
    {.about = "drivers of the host",
     .host = "golden:host-drivers",
     .expected = "info device-detached hostpci0: when the VM starts the host loses 0000:01:00.0 (nouveau), "
                 "0000:01:00.1 (snd_hda_intel).\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0/driver: nouveau; "
                 "/sys/bus/pci/devices/0000:01:00.1/driver: snd_hda_intel\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,reattach=1,romfile=both.rom,x-vga=1\n"},
    {.about = "and they are given back",
     .host = "golden:host-drivers",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=both.rom,reattach=1'}",
     .expected = "info device-detached hostpci0: when the VM starts the host loses 0000:01:00.0 (nouveau), "
                 "0000:01:00.1 (snd_hda_intel), and gets it back when the VM stops.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0/driver: nouveau; "
                 "/sys/bus/pci/devices/0000:01:00.1/driver: snd_hda_intel\n"},
    {.about = "driver=keep with a driver of the host",
     .config = "{'hostpci1': '04:00.0,driver=keep'}",
     .expected = "error driver-kept hostpci1: driver=keep leaves 0000:04:00.0 as it is, without a driver "
                 "that gives it to a VM.\n"
                 "  = /sys/bus/pci/devices/0000:04:00.0/driver: nvme\n"
                 "  > hostpci qm set 100 -hostpci1 04:00.0\n"
                 "  > # or bind it yourself:\n"
                 "  > hostpci set /nodes/localhost/hardware/pci/0000:04:00.0/driver --driver vfio-pci\n"
                 "info host-use hostpci1, 0000:04:00.0: The host would lose it while a VM has it: disk "
                 "nvme1n1 is not in use: nothing on it is mounted, swapped to, stacked or open.\n"
                 "  = /sys/class/block/nvme1n1\n"},
    {.about = "driver=keep with vfio-pci",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=both.rom,driver=keep'}",
     .expected = ""},
    {.about = "the card without its sound",
     .config = "{'hostpci0': '0000:01:00.0,pcie=1,x-vga=1,romfile=both.rom'}",
     .expected = "info functions-left hostpci0 passes the graphics card 0000:01:00.0 without its other "
                 "functions (its sound): 0000:01:00.1.\n"
                 "  = hostpci0: 0000:01:00.0,pcie=1,x-vga=1,romfile=both.rom\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,romfile=both.rom,x-vga=1\n"},
    {.about = "a mediated device",
     .host = "golden:mdev",
     .config = "{'hostpci1': '00:02.0,mdev=i915-GVTg_V5_4'}",
     .expected = "info gpu-screen hostpci1: no console shows the picture of the graphics card 0000:00:02.0: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci1: 00:02.0,mdev=i915-GVTg_V5_4\n"
                 "ok mediated-device hostpci1: a mediated device of type 'i915-GVTg_V5_4' is made of "
                 "0000:00:02.0 when the VM starts, and removed when it stops.\n"
                 "  = /sys/bus/mdev/devices/00000001-0000-0000-0000-000000000100\n"},
    {.about = "a type of mediated devices that the device does not have",
     .host = "golden:mdev",
     .config = "{'hostpci1': '00:02.0,mdev=i915-GVTg_V5_8'}",
     .expected =
         "error device-chosen pci device '0000:00:02.0' has no available instances of 'i915-GVTg_V5_8': it "
         "has no such type\n"
         "  = hostpci1: 00:02.0,mdev=i915-GVTg_V5_8; types of 0000:00:02.0: i915-GVTg_V5_4 (1 left)\n"
         "  > hostpci qm set 100 -hostpci1 00:02.0,mdev=i915-GVTg_V5_4\n"},
    {.about = "no mediated device left",
     .host = "golden:mdev-used-up",
     .config = "{'hostpci1': '00:02.0,mdev=i915-GVTg_V5_4'}",
     .expected =
         "error device-chosen pci device '0000:00:02.0' has no available instances of 'i915-GVTg_V5_4'\n"
         "  = hostpci1: 00:02.0,mdev=i915-GVTg_V5_4; types of 0000:00:02.0: i915-GVTg_V5_4 (0 left)\n"
         "  > # stop a VM that has one of its mediated devices, or give this VM fewer:\n"
         "  > hostpci get /nodes/localhost/hardware/mdev\n"},
    {.about = "a mapping whose devices do not have the type",
     .host = "golden:mdev",
     .mapping = "{'mdev': 1, 'map': [{'node': 'pve1', 'path': '0000:00:02.0', 'id': '8086:5912',"
                " 'subsystem-id': '1458:d000', 'iommugroup': 3}]}",
     .config = "{'hostpci1': 'mapping=gpu,mdev=i915-GVTg_V5_8'}",
     .expected =
         "error device-chosen could not find a free device for 'hostpci1': pci device '0000:00:02.0' has no "
         "available instances of 'i915-GVTg_V5_8': it has no such type\n"
         "  = hostpci1: mapping=gpu,mdev=i915-GVTg_V5_8; 0000:00:02.0: pci device '0000:00:02.0' has no "
         "available instances of 'i915-GVTg_V5_8': it has no such type; types of the mapping's devices: "
         "i915-GVTg_V5_4 (1 left)\n"
         "  > hostpci qm set 100 -hostpci1 mapping=gpu,mdev=i915-GVTg_V5_4\n"},
    {.about = "a mapping whose devices have none left",
     .host = "golden:mdev-used-up",
     .mapping = "{'mdev': 1, 'map': [{'node': 'pve1', 'path': '0000:00:02.0', 'id': '8086:5912',"
                " 'subsystem-id': '1458:d000', 'iommugroup': 3}]}",
     .config = "{'hostpci1': 'mapping=gpu,mdev=i915-GVTg_V5_4'}",
     .expected =
         "error device-chosen could not find a free device for 'hostpci1': pci device '0000:00:02.0' has no "
         "available instances of 'i915-GVTg_V5_4'\n"
         "  = hostpci1: mapping=gpu,mdev=i915-GVTg_V5_4; 0000:00:02.0: pci device '0000:00:02.0' has no "
         "available instances of 'i915-GVTg_V5_4'; types of the mapping's devices: i915-GVTg_V5_4 (0 left)\n"
         "  > # stop a VM that has one of its mediated devices, or give this VM fewer:\n"
         "  > hostpci get /nodes/localhost/hardware/mdev\n"},
    {.about = "a mapping's mediated device that exists already, of another type",
     .host = "golden:mdev",
     .mapping = "{'mdev': 1, 'map': [{'node': 'pve1', 'path': '0000:00:02.0', 'id': '8086:5912',"
                " 'subsystem-id': '1458:d000', 'iommugroup': 3}]}",
     .changes = {{"sys/devices/pci0000:00/0000:00:02.0/00000001-0000-0000-0000-000000000100/mdev_type",
                  "-> ../mdev_supported_types/i915-GVTg_V5_8"},
                 {"sys/bus/mdev/devices/00000001-0000-0000-0000-000000000100",
                  "-> ../../../devices/pci0000:00/0000:00:02.0/00000001-0000-0000-0000-000000000100"}},
     .config = "{'hostpci1': 'mapping=gpu,mdev=i915-GVTg_V5_4'}",
     .expected =
         "error device-chosen could not find a free device for 'hostpci1': the mediated device "
         "'00000001-0000-0000-0000-000000000100' exists already, of type 'i915-GVTg_V5_8' at '0000:00:02.0': "
         "remove it first\n"
         "  = hostpci1: mapping=gpu,mdev=i915-GVTg_V5_4; 0000:00:02.0: the mediated device "
         "'00000001-0000-0000-0000-000000000100' exists already, of type 'i915-GVTg_V5_8' at '0000:00:02.0': "
         "remove it first\n"
         "  > hostpci delete /nodes/localhost/hardware/mdev/00000001-0000-0000-0000-000000000100\n"},
    {.about = "other ids",
     .config =
         "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=both.rom,device-id=0x10f6,sub-vendor-id=0x0000'}",
     .expected = "info id-overrides hostpci0: the guest sees 0000:01:00.0 with other ids than its own "
                 "(device-id 0x10f6, sub-vendor-id 0x0000): it loads a driver that matches these, whether "
                 "that matches the device or not.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0: vendor 0x10de, device 0x2484, subsystem_vendor "
                 "0x10de, subsystem_device 0x146b\n"},
    {.about = "a card without q35",
     .config = "{'machine': 'pc', 'hostpci0': '0000:01:00,x-vga=1,romfile=both.rom'}",
     .expected =
         "info gpu-machine hostpci0: the graphics card 0000:01:00.0 works best with the machine type q35.\n"
         "  = machine: pc\n"
         "  > hostpci qm set 100 -machine q35\n"},
    {.about = "a card with SeaBIOS",
     .config = "{'bios': 'seabios'}",
     .expected = "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) "
                 "instead of SeaBIOS, if its ROM is UEFI capable.\n"
                 "  = bios: seabios\n"
                 "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
                 "  > hostpci qm set 100 -bios ovmf\n"},
    {.about = "a card as a PCI device",
     .config = "{'hostpci0': '0000:01:00,x-vga=1,romfile=both.rom'}",
     .expected = "info gpu-pcie hostpci0: the graphics card 0000:01:00.0 works best as a PCIe device.\n"
                 "  = hostpci0: 0000:01:00,x-vga=1,romfile=both.rom\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,romfile=both.rom,x-vga=1\n"},
    {.about = "a card with its own ROM",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1'}",
     .expected = "info gpu-rom hostpci0: OVMF needs the ROM of the graphics card 0000:01:00.0 to be UEFI "
                 "capable; if it is not, use SeaBIOS.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0/rom: there\n"
                 "  > # to see what it is:\n"
                 "  > hostpci get /nodes/localhost/hardware/pci/0000:01:00.0/rom\n"},
    {.about = "a card without a ROM",
     .host = "golden:no-rom",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1'}",
     .expected = "info gpu-rom hostpci0: the graphics card 0000:01:00.0 has no ROM of its own: with OVMF its "
                 "screen stays dark until the guest's driver is loaded, unless a romfile is given.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.0/rom: absent\n"},
    {.about = "a card that is not hidden from",
     .config = "{'hostpci0': '0000:01:00,pcie=1,romfile=both.rom'}",
     .expected =
         "info gpu-hides-kvm hostpci0: NVIDIA's drivers before 465 refuse a consumer card (0000:01:00.0) "
         "where they see KVM (error 43): x-vga=1 hides it, and so does hidden=1 of cpu.\n"
         "  = hostpci0: 0000:01:00,pcie=1,romfile=both.rom; cpu: not set\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,romfile=both.rom,x-vga=1\n"},
    {.about = "and hidden by the processor",
     .config = "{'hostpci0': '0000:01:00,pcie=1,romfile=both.rom', 'cpu': 'host,hidden=1'}",
     .expected = ""},
    {.about = "a card that may be unplugged from NVIDIA's driver for Linux",
     .config = "{'hotplug': 'disk,pci'}",
     .expected = "warning gpu-unplug hostpci0: NVIDIA's driver for Linux hangs if the card 0000:01:00.0 is "
                 "unplugged while a program of the guest uses it: unload the driver there before\n"
                 "  = hotplug: disk,pci; ostype: l26\n"},
    {.about = "another guest's", .config = "{'hotplug': 'pci', 'ostype': 'other'}", .expected = ""},
    {.about = "x-vga of what is no display",
     .config = "{'hostpci0': '0000:01:00.1,pcie=1,x-vga=1', 'bios': 'seabios'}",
     .expected = "error x-vga hostpci0: x-vga=1, but 0000:01:00.1 is not a VGA device.\n"
                 "  = /sys/bus/pci/devices/0000:01:00.1/class: 0x040300\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00.1,pcie=1\n"},
    {.about = "x-vga without VGA arbitration",
     .host = "golden:vga-arbitration-off",
     .config = "{'bios': 'seabios'}",
     .expected = "error x-vga hostpci0: x-vga=1 with SeaBIOS needs VGA arbitration, which vfio-pci's option "
                 "disable_vga turns off.\n"
                 "  = /sys/module/vfio_pci/parameters/disable_vga: Y\n"
                 "  > hostpci qm set 100 -bios ovmf\n"
                 "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) "
                 "instead of SeaBIOS, if its ROM is UEFI capable.\n"
                 "  = bios: seabios\n"
                 "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
                 "  > hostpci qm set 100 -bios ovmf\n"},
    {.about = "x-vga twice",
     .config = "{'hostpci1': '04:00.0,x-vga=1'}",
     .expected = "warning x-vga hostpci1: x-vga=1 marks the primary display, and hostpci0 has it already.\n"
                 "  = hostpci1: 04:00.0,x-vga=1\n"
                 "  > hostpci qm set 100 -hostpci1 04:00.0\n"
                 "info host-use hostpci1, 0000:04:00.0: The host would lose it while a VM has it: disk "
                 "nvme1n1 is not in use: nothing on it is mounted, swapped to, stacked or open.\n"
                 "  = /sys/class/block/nvme1n1\n"
                 "info device-detached hostpci1: when the VM starts the host loses 0000:04:00.0 (nvme).\n"
                 "  = /sys/bus/pci/devices/0000:04:00.0/driver: nvme\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci1 04:00.0,reattach=1,x-vga=1\n"},
    {.about = "x-vga beside another display",
     .config = "{'vga': 'std'}",
     .expected = "info x-vga hostpci0 is the primary display (x-vga=1): the guest should have no other.\n"
                 "  = vga: std\n"
                 "  > hostpci qm set 100 -delete vga\n"},
    {.about = "rombar=0",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,rombar=0'}",
     .expected = "info rom-bar hostpci0: rombar=0 hides the ROM from the guest, whose firmware cannot use "
                 "the device: only some devices need that.\n"
                 "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,rombar=0\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "rombar=0 with romfile",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,rombar=0,romfile=both.rom'}",
     .expected =
         "warning rom-bar hostpci0: rombar=0 hides the ROM from the guest, even one that romfile gives.\n"
         "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,rombar=0,romfile=both.rom\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,romfile=both.rom,x-vga=1\n"},
    {.about = "a vIOMMU on a host without",
     .host = "golden:iommu-off",
     .config = "{'machine': 'q35,viommu=virtio', 'hostpci0': null}",
     .expected = "warning viommu-host The VM has a vIOMMU, but the host's IOMMU is off: no device of the "
                 "host can be behind it.\n"
                 "  = machine: q35,viommu=virtio; /sys/kernel/iommu_groups: empty\n"
                 "  > # how to turn it on (intel_iommu=on or amd_iommu=on, by the CPU):\n"
                 "  > hostpci get /nodes/localhost/hardware/iommu\n"},
    {.about = "Intel's vIOMMU",
     .config = "{'machine': 'q35,viommu=intel'}",
     .expected = "error viommu-group hostpci0: with a vIOMMU QEMU refuses several functions of one IOMMU "
                 "group as PCIe devices (\"group 2 used in multiple address spaces\"): give them as PCI "
                 "devices of a q35 machine, which share a bridge, or one alone.\n"
                 "  = machine: q35,viommu=intel; hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,romfile=both.rom,x-vga=1\n"
                 "  > # or give the VM one function of the group alone\n"
                 "info viommu-guest The guest needs the kernel parameter intel_iommu=on for its vIOMMU, "
                 "whether the host's CPU is Intel's or AMD's.\n"
                 "  = machine: q35,viommu=intel\n"
                 "  > # in the guest (Debian's):\n"
                 "  > sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ intel_iommu=on\"/' /etc/default/grub\n"
                 "  > update-grub\n"
                 "  > reboot\n"},
    {.about = "a legacy-igd without vga",
     .config = "{'machine': 'pc', 'hostpci0': '00:02.0,legacy-igd=1', 'bios': 'seabios'}",
     .expected = "error host-use hostpci0, 0000:00:02.0: The host is using it: the host's text console is "
                 "shown on framebuffer fb0; graphics device card0 is open in systemd-logind (pid 812).\n"
                 "  = /sys/class/vtconsole/vtcon1/name: (M) frame buffer device, bind 1; /proc/812/fd: "
                 "/dev/dri/card0\n"
                 "  > # stop what shows on it:\n"
                 "  > systemctl stop display-manager\n"
                 "  > for console in /sys/class/vtconsole/vtcon*/bind; do echo 0 > $console; done\n"
                 "error command-line hostpci0: legacy-igd needs vga to be set to none\n"
                 "  = hostpci0: 00:02.0,legacy-igd=1\n"
                 "  > hostpci qm set 100 -vga none\n"
                 "warning boot-vga hostpci0, 0000:00:02.0: The firmware started on this graphics card: the "
                 "host's screen goes dark when a VM takes it, and its ROM may not be intact any more.\n"
                 "  = /sys/bus/pci/devices/0000:00:02.0/boot_vga: 1\n"
                 "  > # if the firmware setup (BIOS/UEFI) lets you choose, make another card the first;\n"
                 "  > # else save its ROM once and give it to the VM, in its configuration:\n"
                 "  > hostpci0: 0000:00:02.0,romfile=vbios.rom\n"
                 "info reserved-region hostpci0, 0000:00:02.0: The firmware reserved memory of the host for "
                 "it while booting, which it no longer needs.\n"
                 "  = /sys/kernel/iommu_groups/3/reserved_regions: 0x000000008d800000 0x000000008fffffff "
                 "direct-relaxable\n"
                 "info device-detached hostpci0: when the VM starts the host loses 0000:00:02.0 (i915).\n"
                 "  = /sys/bus/pci/devices/0000:00:02.0/driver: i915\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci0 00:02.0,legacy-igd=1,reattach=1\n"
                 "info gpu-screen hostpci0: no console shows the picture of the graphics card 0000:00:02.0: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci0: 00:02.0,legacy-igd=1\n"},
    {.about = "a serial display beside x-vga",
     .config = "{'vga': 'serial0', 'serial0': 'socket'}",
     .expected = ""},
    {.about = "a VirtIO vIOMMU without q35",
     .config = "{'machine': 'pc,viommu=virtio', 'hostpci0': null}",
     .expected = "info viommu-guest A VirtIO vIOMMU works without q35, but PCIe does not: q35 is advisable.\n"
                 "  = machine: pc,viommu=virtio\n"
                 "  > hostpci qm set 100 -machine q35,viommu=virtio\n"},
    {.about = "two vGPUs of a card that has room for one",
     .host = "nvidia",
     .changes = {{"sys/bus/pci/devices/0000:41:00.4/nvidia/current_vgpu_type", "0\n"},
                 {"sys/bus/pci/devices/0000:41:00.5/nvidia/creatable_vgpu_types", ALL_TYPES},
                 {"sys/bus/pci/devices/0000:41:00.4/nvidia/creatable_vgpu_types", ALL_TYPES}},
     .config =
         "{'hostpci0': '41:00.4,mdev=nvidia-1155', 'hostpci1': '41:00.5,mdev=nvidia-1147', 'net0': null}",
     .expected = "error device-chosen pci device '0000:41:00.5' has no available instances of 'nvidia-1147': "
                 "the vGPUs of its card share 49152 MiB, and others get 49152 of them\n"
                 "  = hostpci1: 41:00.5,mdev=nvidia-1147; types of 0000:41:00.5: nvidia-1147 (0 left), "
                 "nvidia-1155 (0 left)\n"
                 "  > # stop a VM that has one of its mediated devices, or give this VM fewer:\n"
                 "  > hostpci get /nodes/localhost/hardware/mdev\n"
                 "info gpu-screen hostpci0: no console shows the picture of the graphics card 0000:41:00.4: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci0: 41:00.4,mdev=nvidia-1155\n"
                 "ok mediated-device hostpci0: a mediated device of type 'nvidia-1155' is made of "
                 "0000:41:00.4 when the VM starts, and removed when it stops.\n"},
    {.about = "two vGPUs of a card that may have room for both",
     .host = "nvidia",
     .config =
         "{'hostpci0': '41:00.5,mdev=nvidia-1145', 'hostpci1': '41:00.6,mdev=nvidia-1145', 'net0': null}",
     .expected = "warning mediated-device hostpci1: whether 0000:41:00.6 has room for a mediated device of "
                 "type 'nvidia-1145' is only known when those that share it are made: its driver offers the "
                 "type now, but may not any more then.\n"
                 "  = hostpci1: 41:00.6,mdev=nvidia-1145\n"
                 "  > # see how many vGPUs of each type the card can have:\n"
                 "  > nvidia-smi vgpu -s -v\n"
                 "info gpu-screen hostpci0: no console shows the picture of the graphics card 0000:41:00.5: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci0: 41:00.5,mdev=nvidia-1145\n"
                 "info gpu-screen hostpci1: no console shows the picture of the graphics card 0000:41:00.6: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci1: 41:00.6,mdev=nvidia-1145\n"
                 "ok mediated-device hostpci0: a mediated device of type 'nvidia-1145' is made of "
                 "0000:41:00.5 when the VM starts, and removed when it stops.\n"},
    {.about = NULL},
};
