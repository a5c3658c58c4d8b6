/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is no command line for, and what it names and is not there. */
#include "tests/unit/passthrough/preflight/fixture.h"

const struct provoked provoked_by_command[] = {
    {.about = "PCIe without q35",
     .config = "{'machine': 'pc-i440fx-7.2'}",
     .expected =
         "error command-line hostpci0: q35 machine model is not enabled\n"
         "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2\n"
         "info gpu-machine hostpci0: the graphics card 0000:01:00.0 works best with the machine type q35.\n"
         "  = machine: pc-i440fx-7.2\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2\n"},
    {.about = "PCIe without q35, and no device",
     .config = "{'machine': 'pc', 'hostpci1': '09:00.0,pcie=1'}",
     .expected =
         "error device-chosen no PCI device found for '0000:09:00.0'\n"
         "  = hostpci1: 09:00.0,pcie=1\n"
         "  > # choose another of the host's devices:\n"
         "  > hostpci get /nodes/localhost/hardware/pci\n"
         "error command-line hostpci1: q35 machine model is not enabled\n"
         "  = hostpci1: 09:00.0,pcie=1\n"
         "  > hostpci qm set 100 -machine q35\n"
         "error command-line hostpci0: q35 machine model is not enabled\n"
         "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
         "  > hostpci qm set 100 -machine q35\n"
         "info gpu-machine hostpci0: the graphics card 0000:01:00.0 works best with the machine type q35.\n"
         "  = machine: pc\n"
         "  > hostpci qm set 100 -machine q35\n"},
    {.about = "Intel's vIOMMU without q35",
     .config = "{'machine': 'pc,viommu=intel', 'hostpci0': null}",
     .expected = "error command-line to use Intel vIOMMU please set the machine type to q35\n"
                 "  = machine: pc,viommu=intel\n"
                 "  > hostpci qm set 100 -machine q35,viommu=intel\n"
                 "info viommu-guest The guest needs the kernel parameter intel_iommu=on for its vIOMMU, "
                 "whether the host's CPU is Intel's or AMD's.\n"
                 "  = machine: pc,viommu=intel\n"
                 "  > # in the guest (Debian's):\n"
                 "  > sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ intel_iommu=on\"/' /etc/default/grub\n"
                 "  > update-grub\n"
                 "  > reboot\n"},
    {.about = "aw-bits without a vIOMMU",
     .config = "{'machine': 'q35,aw-bits=48'}",
     .expected = "error command-line cannot set aw-bits if no vIOMMU is configured\n"
                 "  = machine: q35,aw-bits=48\n"
                 "  > hostpci qm set 100 -machine q35\n"},
    {.about = "aw-bits that this QEMU does not have",
     .config = "{'machine': 'q35,viommu=virtio,aw-bits=40'}",
     .expected =
         "error command-line QEMU 7.2.0 cannot set aw-bits of a VirtIO vIOMMU: leave aw-bits out\n"
         "  = machine: q35,viommu=virtio,aw-bits=40\n"
         "  > hostpci qm set 100 -machine q35,viommu=virtio\n"
         "error viommu-group hostpci0: with a vIOMMU QEMU refuses several functions of one IOMMU group as "
         "PCIe devices (\"group 2 used in multiple address spaces\"): give them as PCI devices of a q35 "
         "machine, which share a bridge, or one alone.\n"
         "  = machine: q35,viommu=virtio,aw-bits=40; hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,romfile=both.rom,x-vga=1\n"
         "  > # or give the VM one function of the group alone\n"},
    {.about = "aw-bits that Intel does not have",
     .config = "{'machine': 'q35,viommu=intel,aw-bits=40'}",
     .expected =
         "error command-line Intel vIOMMU takes aw-bits 39 or 48, not 40\n"
         "  = machine: q35,viommu=intel,aw-bits=40\n"
         "  > hostpci qm set 100 -machine q35,aw-bits=48,viommu=intel\n"
         "error viommu-group hostpci0: with a vIOMMU QEMU refuses several functions of one IOMMU group as "
         "PCIe devices (\"group 2 used in multiple address spaces\"): give them as PCI devices of a q35 "
         "machine, which share a bridge, or one alone.\n"
         "  = machine: q35,viommu=intel,aw-bits=40; hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,romfile=both.rom,x-vga=1\n"
         "  > # or give the VM one function of the group alone\n"
         "info viommu-guest The guest needs the kernel parameter intel_iommu=on for its vIOMMU, whether the "
         "host's CPU is Intel's or AMD's.\n"
         "  = machine: q35,viommu=intel,aw-bits=40\n"
         "  > # in the guest (Debian's):\n"
         "  > sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ intel_iommu=on\"/' /etc/default/grub\n"
         "  > update-grub\n"
         "  > reboot\n"},
    {.about = "a machine that this QEMU does not have",
     .config = "{'machine': 'pc-q35-99.0'}",
     .expected = "error command-line QEMU 7.2.0 has no machine type 'pc-q35-99.0': set an older one, or "
                 "install a newer QEMU\n"
                 "  = machine: pc-q35-99.0\n"
                 "  > hostpci qm set 100 -machine q35\n"},
    {.about = "a display that is in a package of its own",
     .config = "{'vga': 'qxl', 'cpu': 'host,hidden=1', 'hostpci0': null}",
     .without_device = "qxl-vga",
     .expected = "error command-line QEMU 7.2.0 has no device 'qxl-vga', which is needed for "
                 "'qxl-vga,id=vga,max_outputs=4,bus=pcie.0,addr=0x1': "
                 "install the package qemu-system-modules-spice\n"
                 "  = vga: qxl\n"
                 "  > apt install qemu-system-modules-spice\n"},
    {.about = "a display with OpenGL, which is in another",
     .config = "{'vga': 'virtio-gl', 'cpu': 'host,hidden=1', 'hostpci0': null}",
     .without_device = "virtio-vga-gl",
     .expected = "error command-line QEMU 7.2.0 has no device 'virtio-vga-gl', which is needed for "
                 "'virtio-vga-gl,id=vga,bus=pcie.0,addr=0x1': "
                 "install the package qemu-system-modules-opengl\n"
                 "  = vga: virtio-gl\n"
                 "  > apt install qemu-system-modules-opengl\n"},
    {.about = "screens for Windows",
     .config = "{'vga': 'qxl2', 'ostype': 'win10', 'cpu': 'host,hidden=1', 'hostpci0': null}",
     .without_device = "qxl",
     .expected = "error command-line QEMU 7.2.0 has no device 'qxl', which is needed for "
                 "'qxl,id=vga1,bus=pci.0,addr=0x18': "
                 "install the package qemu-system-modules-spice\n"
                 "  = vga: qxl2\n"
                 "  > apt install qemu-system-modules-spice\n"},
    {.about = "a device that is in no package",
     .config = "{'scsihw': 'megasas'}",
     .without_device = "megasas",
     .expected = "error command-line QEMU 7.2.0 has no device 'megasas', which is needed for "
                 "'megasas,id=scsihw0,bus=pci.0,addr=0x5'\n"},
    {.about = "a card of two functions on i440fx with a vIOMMU",
     .config = "{'machine': 'pc-i440fx-7.2,viommu=virtio', 'hostpci0': '0000:01:00', 'bios': 'seabios'}",
     .expected =
         "error viommu-group hostpci0: with a vIOMMU QEMU refuses several functions of one IOMMU group on "
         "the root bus of i440fx (\"group 2 used in multiple address spaces\"): give them as PCI devices of "
         "a q35 machine, which share a bridge, or one alone.\n"
         "  = machine: pc-i440fx-7.2,viommu=virtio; hostpci0: 0000:01:00\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2,viommu=virtio\n"
         "  > # or give the VM one function of the group alone\n"
         "info gpu-machine hostpci0: the graphics card 0000:01:00.0 works best with the machine type q35.\n"
         "  = machine: pc-i440fx-7.2,viommu=virtio\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2,viommu=virtio\n"
         "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) instead of "
         "SeaBIOS, if its ROM is UEFI capable.\n"
         "  = bios: seabios\n"
         "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
         "  > hostpci qm set 100 -bios ovmf\n"
         "info gpu-hides-kvm hostpci0: NVIDIA's drivers before 465 refuse a consumer card (0000:01:00.0) "
         "where they see KVM (error 43): x-vga=1 hides it, and so does hidden=1 of cpu.\n"
         "  = hostpci0: 0000:01:00; cpu: not set\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,x-vga=1\n"
         "info viommu-guest A VirtIO vIOMMU works without q35, but PCIe does not: q35 is advisable.\n"
         "  = machine: pc-i440fx-7.2,viommu=virtio\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2,viommu=virtio\n"},
    {.about = "legacy-igd on q35, which another device needs",
     .config = "{'hostpci1': '00:02.0,legacy-igd=1', 'bios': 'seabios', 'vga': 'none'}",
     .expected = "error host-use hostpci1, 0000:00:02.0: The host is using it: the host's text console is "
                 "shown on framebuffer fb0; graphics device card0 is open in systemd-logind (pid 812).\n"
                 "  = /sys/class/vtconsole/vtcon1/name: (M) frame buffer device, bind 1; /proc/812/fd: "
                 "/dev/dri/card0\n"
                 "  > # stop what shows on it:\n"
                 "  > systemctl stop display-manager\n"
                 "  > for console in /sys/class/vtconsole/vtcon*/bind; do echo 0 > $console; done\n"
                 "error command-line hostpci1: legacy-igd needs the machine type i440fx: set machine to pc\n"
                 "  = hostpci1: 00:02.0,legacy-igd=1\n"
                 "  > hostpci qm set 100 -hostpci1 00:02.0\n"
                 "warning boot-vga hostpci1, 0000:00:02.0: The firmware started on this graphics card: the "
                 "host's screen goes dark when a VM takes it, and its ROM may not be intact any more.\n"
                 "  = /sys/bus/pci/devices/0000:00:02.0/boot_vga: 1\n"
                 "  > # if the firmware setup (BIOS/UEFI) lets you choose, make another card the first;\n"
                 "  > # else save its ROM once and give it to the VM, in its configuration:\n"
                 "  > hostpci0: 0000:00:02.0,romfile=vbios.rom\n"
                 "info reserved-region hostpci1, 0000:00:02.0: The firmware reserved memory of the host for "
                 "it while booting, which it no longer needs.\n"
                 "  = /sys/kernel/iommu_groups/3/reserved_regions: 0x000000008d800000 0x000000008fffffff "
                 "direct-relaxable\n"
                 "info device-detached hostpci1: when the VM starts the host loses 0000:00:02.0 (i915).\n"
                 "  = /sys/bus/pci/devices/0000:00:02.0/driver: i915\n"
                 "  > # to get it back when the VM stops:\n"
                 "  > hostpci qm set 100 -hostpci1 00:02.0,legacy-igd=1,reattach=1\n"
                 "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) "
                 "instead of SeaBIOS, if its ROM is UEFI capable.\n"
                 "  = bios: seabios\n"
                 "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
                 "  > hostpci qm set 100 -bios ovmf\n"
                 "info gpu-screen hostpci1: no console shows the picture of the graphics card 0000:00:02.0: "
                 "connect a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
                 "  = hostpci1: 00:02.0,legacy-igd=1\n"},
    {.about = "pcie on i440fx, which another device needs",
     .config = "{'machine': 'pc-i440fx-7.2', 'hostpci1': '00:02.0,legacy-igd=1', 'bios': 'seabios', 'vga': "
               "'none'}",
     .expected =
         "error host-use hostpci1, 0000:00:02.0: The host is using it: the host's text console is shown on "
         "framebuffer fb0; graphics device card0 is open in systemd-logind (pid 812).\n"
         "  = /sys/class/vtconsole/vtcon1/name: (M) frame buffer device, bind 1; /proc/812/fd: "
         "/dev/dri/card0\n"
         "  > # stop what shows on it:\n"
         "  > systemctl stop display-manager\n"
         "  > for console in /sys/class/vtconsole/vtcon*/bind; do echo 0 > $console; done\n"
         "error command-line hostpci0: q35 machine model is not enabled\n"
         "  = hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,romfile=both.rom,x-vga=1\n"
         "warning boot-vga hostpci1, 0000:00:02.0: The firmware started on this graphics card: the host's "
         "screen goes dark when a VM takes it, and its ROM may not be intact any more.\n"
         "  = /sys/bus/pci/devices/0000:00:02.0/boot_vga: 1\n"
         "  > # if the firmware setup (BIOS/UEFI) lets you choose, make another card the first;\n"
         "  > # else save its ROM once and give it to the VM, in its configuration:\n"
         "  > hostpci0: 0000:00:02.0,romfile=vbios.rom\n"
         "info reserved-region hostpci1, 0000:00:02.0: The firmware reserved memory of the host for it while "
         "booting, which it no longer needs.\n"
         "  = /sys/kernel/iommu_groups/3/reserved_regions: 0x000000008d800000 0x000000008fffffff "
         "direct-relaxable\n"
         "info device-detached hostpci1: when the VM starts the host loses 0000:00:02.0 (i915).\n"
         "  = /sys/bus/pci/devices/0000:00:02.0/driver: i915\n"
         "  > # to get it back when the VM stops:\n"
         "  > hostpci qm set 100 -hostpci1 00:02.0,legacy-igd=1,reattach=1\n"
         "info gpu-machine hostpci0: the graphics card 0000:01:00.0 works best with the machine type q35.\n"
         "  = machine: pc-i440fx-7.2\n"
         "  > hostpci qm set 100 -machine pc-q35-7.2\n"
         "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) instead of "
         "SeaBIOS, if its ROM is UEFI capable.\n"
         "  = bios: seabios\n"
         "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
         "  > hostpci qm set 100 -bios ovmf\n"
         "info gpu-screen hostpci1: no console shows the picture of the graphics card 0000:00:02.0: connect "
         "a monitor to it, or set up a remote desktop (VNC, RDP) in the guest.\n"
         "  = hostpci1: 00:02.0,legacy-igd=1\n"},
    {.about = "legacy-igd on q35",
     .config = "{'hostpci0': '00:02.0,legacy-igd=1', 'bios': 'seabios'}",
     .expected = "error host-use hostpci0, 0000:00:02.0: The host is using it: the host's text console is "
                 "shown on framebuffer fb0; graphics device card0 is open in systemd-logind (pid 812).\n"
                 "  = /sys/class/vtconsole/vtcon1/name: (M) frame buffer device, bind 1; /proc/812/fd: "
                 "/dev/dri/card0\n"
                 "  > # stop what shows on it:\n"
                 "  > systemctl stop display-manager\n"
                 "  > for console in /sys/class/vtconsole/vtcon*/bind; do echo 0 > $console; done\n"
                 "error command-line hostpci0: legacy-igd needs the machine type i440fx: set machine to pc\n"
                 "  = hostpci0: 00:02.0,legacy-igd=1\n"
                 "  > hostpci qm set 100 -machine pc-i440fx-7.2\n"
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
    {.about = "huge pages without NUMA",
     .config = "{'hugepages': '2'}",
     .changes = {{"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "1024\n"}},
     .expected = "error command-line hugepages need numa to be enabled\n"
                 "  = hugepages: 2\n"
                 "  > hostpci qm set 100 -numa 1\n"},
    {.about = "memory that can be plugged, without NUMA",
     .config = "{'hotplug': 'memory'}",
     .expected = "error command-line numa needs to be enabled for memory hotplug\n"
                 "  = hotplug: memory\n"
                 "  > hostpci qm set 100 -numa 1\n"},
    {.about = "a disk of the storage that is gone",
     .config = "{'scsi1': 'local:100/vm-100-disk-0.qcow2,discard=on,size=1536M'}",
     .expected =
         "error volume scsi1: the volume '/nothing/store/images/100/vm-100-disk-0.qcow2' is missing.\n"
         "  = /nothing/store/images/100/vm-100-disk-0.qcow2: No such file or directory\n"
         "  > # make a new one, which is empty:\n"
         "  > hostpci qm set 100 -scsi1 local:2,discard=on,format=qcow2\n"},
    {.about = "what is no volume of the storage",
     .config = "{'scsi1': 'local:100/x.raw'}",
     .expected = "error command-line scsi1: unable to parse volume ID 'local:100/x.raw'\n"
                 "  = scsi1: local:100/x.raw\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete scsi1\n"},
    {.about = "what is not done here",
     .config = "{'audio0': 'device=AC97'}",
     .expected = "error command-line audio0 is only stored: a VM that has it cannot be started here\n"
                 "  = audio0: device=AC97\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete audio0\n"},
    {.about = "a TPM whose state is elsewhere",
     .config = "{'tpmstate0': '/x'}",
     .expected =
         "error command-line tpmstate0: '/x' is not a volume of the storage 'local': make one there by "
         "tpmstate0=local:1,version=v2.0\n"
         "  = tpmstate0: /x\n"
         "  > # see what it may be:\n"
         "  > hostpci usage /nodes/localhost/qemu/100/config\n"
         "  > # or without it:\n"
         "  > hostpci qm set 100 -delete tpmstate0\n"},
    {.about = "a display that is not there",
     .config = "{'vga': 'serial0'}",
     .expected = "error command-line serial0 is the display, but serial0 is not set\n"
                 "  = vga: serial0\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete vga\n"},
    {.about = "a USB mapping that is not there",
     .config = "{'usb0': 'mapping=key'}",
     .expected = "error command-line usb0: USB device mapping not found for 'key'\n"
                 "  = usb0: mapping=key\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete usb0\n"},
    {.about = "several at once, each alone",
     .config = "{'audio0': 'device=AC97', 'args': '\\\"', 'vcpus': 9, 'net1': "
               "'e1000=BC:24:11:00:00:02,bridge=vmbr0,mtu=1400'}",
     .expected = "error command-line audio0 is only stored: a VM that has it cannot be started here\n"
                 "  = audio0: device=AC97\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete audio0\n"
                 "error command-line vcpus cannot be above sockets times cores, which is 4\n"
                 "  = vcpus: 9\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete vcpus\n"
                 "error command-line net1: mtu can only be set for a virtio card, not for e1000\n"
                 "  = net1: e1000=BC:24:11:00:00:02,bridge=vmbr0,mtu=1400\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete net1\n"
                 "error command-line args: a quote is not closed\n"
                 "  = args: \"\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete args\n"},
    {.about = "a volume is missing",
     .config = "{'scsi1': '@/none.raw,size=8G', 'ide2': '@/none.iso,media=cdrom'}",
     .expected = "error volume scsi1: the volume '@/none.raw' is missing.\n"
                 "  = @/none.raw: No such file or directory\n"
                 "  > # create a new one, or set the path of the right one:\n"
                 "  > truncate -s 8G @/none.raw\n"
                 "error volume ide2: the volume '@/none.iso' is missing.\n"
                 "  = @/none.iso: No such file or directory\n"
                 "  > # without a disc:\n"
                 "  > hostpci qm set 100 -ide2 none,media=cdrom\n"},
    {.about = "an image that would be made by QEMU's tools",
     .config = "{'scsi1': '@/none.qcow2,format=qcow2'}",
     .expected = "error volume scsi1: the volume '@/none.qcow2' is missing.\n"
                 "  = @/none.qcow2: No such file or directory\n"
                 "  > # create a new one, or set the path of the right one:\n"
                 "  > qemu-img create -f qcow2 @/none.qcow2 32G\n"},
    {.about = "a volume with a name that a shell would read",
     .config = "{'scsi1': '@/$(reboot).raw'}",
     .expected = "error volume scsi1: the volume '@/$(reboot).raw' is missing.\n"
                 "  = @/$(reboot).raw: No such file or directory\n"
                 "  > # create a new one, or set the path of the right one:\n"
                 "  > truncate -s 32G '@/$(reboot).raw'\n"},
    {.about = "the firmware's variables are missing",
     .config = "{'efidisk0': '@/none.fd,efitype=4m'}",
     .expected = "error volume efidisk0: the volume '@/none.fd' is missing.\n"
                 "  = @/none.fd: No such file or directory\n"
                 "  > # make it from the firmware's initial variables:\n"
                 "  > cp @/ovmf/OVMF_VARS_4M.fd @/none.fd\n"},
    {.about = "a volume on a file system that has no O_DIRECT, and one that does not need it",
     .config = "{'scsi1': '/proc/version', 'scsi2': '/proc/version,cache=writeback'}",
     .expected =
         "error volume scsi1: the volume '/proc/version' lies on a file system that cannot do without "
         "the host's cache, as cache=none wants it.\n"
         "  = scsi1: /proc/version\n"
         "  > hostpci qm set 100 -scsi1 /proc/version,cache=writeback\n"
         "  > # or move it to another file system\n"},
    {.about = "a volume is a folder",
     .config = "{'scsi1': '@/rom'}",
     .expected = "error volume scsi1: the volume '@/rom' is neither a file nor a block device.\n"
                 "  = scsi1: @/rom\n"},
    {.about = "a volume that only root can read",
     .config = "{'scsi1': '@/hidden.raw'}",
     .ordinary = true,
     .expected = "info volume scsi1: this daemon cannot read the volume '@/hidden.raw': the VM may still be "
                 "able to.\n"
                 "  = @/hidden.raw: mode 0000, owner 0, group 0: Permission denied\n"},
    {.about = "a volume that only root can see",
     .config = "{'scsi1': '@/closed/disk.raw'}",
     .ordinary = true,
     .expected =
         "info volume scsi1: this daemon has no permission to look for the volume '@/closed/disk.raw', "
         "so whether it exists is unknown.\n"
         "  = @/closed/disk.raw: Permission denied\n"},
    {.about = "a ROM is missing",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=none.rom'}",
     .expected = "error rom-file hostpci0: the ROM '@/rom/none.rom' is missing.\n"
                 "  = @/rom/none.rom: No such file or directory\n"
                 "  > # copy it there, or use the device's own:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM is none",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=text.rom'}",
     .expected =
         "warning rom-file hostpci0: the file '@/rom/text.rom' is not a ROM of a PCI device: no image "
         "begins in it.\n"
         "  = @/rom/text.rom: images for nothing\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM is a folder",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=folder.rom'}",
     .expected = "warning rom-file hostpci0: the ROM '@/rom/folder.rom' cannot be read.\n"
                 "  = @/rom/folder.rom: mode 040755\n"},
    {.about = "a ROM that a tool has put a header before",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=header.rom'}",
     .expected =
         "warning rom-file hostpci0: the ROM '@/rom/header.rom' begins with something else, such as the "
         "header of the program that saved it: the guest's firmware does not find its images.\n"
         "  = @/rom/header.rom: the first image begins at 512\n"
         "  > dd if=@/rom/header.rom of=@/rom/header.rom.new bs=512 skip=1\n"
         "  > mv @/rom/header.rom.new @/rom/header.rom\n"},
    {.about = "a ROM that is cut off",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=cut.rom'}",
     .expected =
         "warning rom-file hostpci0: the ROM '@/rom/cut.rom' is damaged: it does not end with its last "
         "image.\n"
         "  = @/rom/cut.rom: the image at 512 is cut off: it has 512 bytes, of which 488 are there\n"
         "  > # use the device's own:\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM that was changed",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=changed.rom'}",
     .expected = "info rom-file hostpci0: the ROM '@/rom/changed.rom' is damaged, or was changed: the "
                 "checksum of its "
                 "image for a BIOS is wrong, and SeaBIOS leaves such an image out.\n"
                 "  = @/rom/changed.rom: the bytes of the image at 0 do not add up to 0\n"
                 "  > # use the device's own:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM of another device",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=other.rom'}",
     .expected = "warning rom-file hostpci0: the ROM '@/rom/other.rom' is for another device.\n"
                 "  = @/rom/other.rom: for 1002:67df; 0000:01:00.0 is 10de:2484\n"
                 "  > # use the device's own:\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM for another processor",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=arm.rom'}",
     .expected =
         "warning rom-file hostpci0: the ROM '@/rom/arm.rom' is for UEFI on another kind of processor than "
         "the guest's, x64.\n"
         "  = @/rom/arm.rom: images for UEFI (aarch64)\n"
         "  > # use the device's own:\n"
         "  > hostpci qm set 100 -hostpci0 0000:01:00,pcie=1,x-vga=1\n"},
    {.about = "a ROM for BIOS with OVMF",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=bios.rom'}",
     .expected = "warning rom-file hostpci0: the ROM '@/rom/bios.rom' is not UEFI capable, and the VM has "
                 "OVMF: use SeaBIOS instead.\n"
                 "  = @/rom/bios.rom: images for BIOS\n"
                 "  > hostpci qm set 100 -bios seabios\n"},
    {.about = "a ROM for UEFI with SeaBIOS",
     .config = "{'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=uefi.rom', 'bios': 'seabios'}",
     .expected = "warning rom-file hostpci0: the ROM '@/rom/uefi.rom' is for UEFI alone, and the VM has "
                 "SeaBIOS: use OVMF instead.\n"
                 "  = @/rom/uefi.rom: images for UEFI\n"
                 "  > hostpci qm set 100 -bios ovmf\n"
                 "info gpu-firmware hostpci0: the graphics card 0000:01:00.0 works best with OVMF (UEFI) "
                 "instead of SeaBIOS, if its ROM is UEFI capable.\n"
                 "  = bios: seabios\n"
                 "  > # a system that was installed with SeaBIOS does not start with OVMF:\n"
                 "  > hostpci qm set 100 -bios ovmf\n"},
    {.about = "no such bridge",
     .config = "{'net0': 'virtio=BC:24:11:00:00:01,bridge=vmbr7'}",
     .expected = "error bridge-of-net net0: bridge 'vmbr7' does not exist\n"
                 "  = /sys/class/net/vmbr7: absent\n"
                 "  > ip link add name vmbr7 type bridge && ip link set vmbr7 up\n"
                 "  > # to keep it over a reboot, add it to /etc/network/interfaces; these exist:\n"
                 "  > ip link show type bridge\n"},
    {.about = "OVMF is not installed",
     .config = "{'efidisk0': '@/vars.fd,efitype=2m'}",
     .expected = "error ovmf-files bios: OVMF's file '@/ovmf/OVMF_VARS.fd' is missing.\n"
                 "  = @/ovmf/OVMF_VARS.fd: No such file or directory\n"
                 "  > apt install ovmf\n"},
    {.about = "the memory of nodes",
     .config = "{'numa': 1, 'numa0': 'cpus=0-3,memory=1024', 'hugepages': '2'}",
     .changes = {{"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "1024\n"}},
     .expected = "error command-line total memory for NUMA nodes must be equal to the VM's memory: 1024 is "
                 "not 2048 MiB\n"
                 "  = memory: 2048\n"
                 "  > # see what it may be:\n"
                 "  > hostpci usage /nodes/localhost/qemu/100/config\n"
                 "  > # or without it:\n"
                 "  > hostpci qm set 100 -delete memory\n"},
    {.about = NULL},
};
