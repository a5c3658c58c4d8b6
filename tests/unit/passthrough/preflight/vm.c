/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with the VM itself, or with what the host has for it. */
#include "tests/unit/passthrough/preflight/fixture.h"

const struct provoked provoked_by_vm[] = {
    {.about = "the VM is locked",
     .config = "{'lock': 'backup'}",
     .expected = "error vm-locked VM is locked (backup)\n"
                 "  = lock: backup\n"
                 "  > # if nothing is working on it any more:\n"
                 "  > hostpci qm set 100 -delete lock\n"},
    {.about = "it is a template",
     .config = "{'template': 1}",
     .expected = "error vm-template you can't start a vm if it's a template\n"
                 "  = template: 1\n"
                 "  > # to make it an ordinary VM again:\n"
                 "  > hostpci qm set 100 -delete template\n"},
    {.about = "it runs",
     .device = "0000:01:00.0",
     .vmid = 100,
     .running = true,
     .expected = "error vm-running VM 100 already running\n"
                 "  = 0000:01:00.0 is reserved for it by process PID\n"},
    {.about = "it is being started",
     .device = "0000:01:00.0",
     .vmid = 100,
     .expected = "error vm-running VM 100 is being started\n"
                 "  = 0000:01:00.0 is reserved for it by process PID\n"},
    {.about = "there is no QEMU",
     .without_qemu = true,
     .expected =
         "error qemu QEMU is missing, there is no '@/qemu': `apt install qemu-system-x86` installs it, or "
         "name another one with --qemu; what else it would refuse of the configuration is unknown.\n"
         "  = @/qemu\n"
         "  > apt install qemu-system-x86\n"},
    {.about = "there is no KVM",
     .changes = {{"dev/kvm", NULL}},
     .expected = "error kvm KVM virtualisation configured, but not available. Either disable in VM "
                 "configuration or enable in BIOS.\n"
                 "  = /dev/kvm: absent\n"
                 "  > modprobe kvm_intel\n"
                 "  > # or slowly, without it:\n"
                 "  > hostpci qm set 100 -kvm 0\n"},
    {.about = "nor on an AMD processor",
     .host = "golden:amd",
     .changes = {{"dev/kvm", NULL}},
     .expected = "error kvm KVM virtualisation configured, but not available. Either disable in VM "
                 "configuration or enable in BIOS.\n"
                 "  = /dev/kvm: absent\n"
                 "  > modprobe kvm_amd\n"
                 "  > # or slowly, without it:\n"
                 "  > hostpci qm set 100 -kvm 0\n"},
    {.about = "and VMX is turned off",
     .host = "golden:no-virtualization",
     .changes = {{"dev/kvm", NULL}},
     .expected =
         "error kvm KVM virtualisation configured, but not available. Either disable in VM configuration or "
         "enable in BIOS.\n"
         "  = /dev/kvm: absent\n"
         "  > # in the firmware setup (BIOS/UEFI): enable Intel Virtualization Technology (VT-x) or SVM\n"
         "  > # or slowly, without it:\n"
         "  > hostpci qm set 100 -kvm 0\n"
         "error processors MAX 1 vcpus allowed per VM on this node\n"
         "  = sockets: not set; cores: 4; /proc/cpuinfo: 1\n"
         "  > hostpci qm set 100 -cores 1\n"},
    {.about = "KVM is not wanted", .config = "{'kvm': 0}", .changes = {{"dev/kvm", NULL}}, .expected = ""},
    {.about = "vfio has no device",
     .changes = {{"dev/vfio/vfio", NULL}},
     .expected =
         "error vfio-device The kernel module vfio is loaded, but its device /dev/vfio/vfio is missing.\n"
         "  = /sys/module/vfio: there; /dev/vfio/vfio: absent\n"
         "  > # in a container: let it have /dev/vfio; else:\n"
         "  > mkdir -p /dev/vfio && mknod -m 666 /dev/vfio/vfio c 10 196\n"},
    {.about = "more processors than the host has",
     .config = "{'sockets': 2, 'cores': 8}",
     .expected = "error processors MAX 8 vcpus allowed per VM on this node\n"
                 "  = sockets: 2; cores: 8; /proc/cpuinfo: 8\n"
                 "  > hostpci qm set 100 -sockets 1\n"
                 "  > hostpci qm set 100 -cores 8\n"},
    {.about = "more memory than the host has left",
     .config = "{'memory': '40000'}",
     .expected = "warning memory-free The VM has 40000 MiB of memory and the host has 24576 MiB left, and a "
                 "VM with a device of the host takes all of its memory at the start.\n"
                 "  = memory: 40000; /proc/meminfo: MemAvailable 24576 MiB\n"
                 "  > # stop something else, or give it less:\n"
                 "  > hostpci qm set 100 -memory 12288\n"},
    {.about = "the same without a device of the host",
     .config = "{'memory': '40000', 'hostpci0': null}",
     .expected = "warning memory-free The VM has 40000 MiB of memory and the host has 24576 MiB left.\n"
                 "  = memory: 40000; /proc/meminfo: MemAvailable 24576 MiB\n"
                 "  > # stop something else, or give it less:\n"
                 "  > hostpci qm set 100 -memory 12288\n"},
    {.about = "a balloon",
     .config = "{'balloon': 1024}",
     .expected =
         "info balloon A VM with a device of the host keeps all of its memory: the balloon gives none back.\n"
         "  = balloon: 1024\n"
         "  > hostpci qm set 100 -balloon 0\n"},
    {.about = "no huge pages",
     .config = "{'hugepages': '2', 'numa': 1}",
     .expected = "error hugepages The VM needs 1024 huge pages of 2 MiB, and 0 are free.\n"
                 "  = hugepages: 2; /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages: absent\n"
                 "  > echo 1024 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n"
                 "  > # or without them:\n"
                 "  > hostpci qm set 100 -delete hugepages\n"},
    {.about = "not enough huge pages",
     .config = "{'hugepages': 'any', 'numa': 1}",
     .changes = {{"sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1\n"}},
     .expected = "error hugepages The VM needs 2 huge pages of 1024 MiB, and 1 are free.\n"
                 "  = hugepages: any; /sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages: 1\n"
                 "  > echo 2 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages\n"
                 "  > # or without them:\n"
                 "  > hostpci qm set 100 -delete hugepages\n"},
    {.about = "enough huge pages",
     .config = "{'hugepages': '2', 'numa': 1}",
     .changes = {{"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "1024\n"}},
     .expected = ""},
    {.about = "Windows on a machine without version",
     .config = "{'machine': 'q35,viommu=virtio', 'ostype': 'win11'}",
     .expected = "error viommu-group hostpci0: with a vIOMMU QEMU refuses several functions of one IOMMU "
                 "group as PCIe devices (\"group 2 used in multiple address spaces\"): give them as PCI "
                 "devices of a q35 machine, which share a bridge, or one alone.\n"
                 "  = machine: q35,viommu=virtio; hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom\n"
                 "  > hostpci qm set 100 -hostpci0 0000:01:00,romfile=both.rom,x-vga=1\n"
                 "  > # or give the VM one function of the group alone\n"
                 "info machine-version Windows should keep the machine version that it was installed on; "
                 "none is set, so a newer QEMU gives it another one, in which Windows finds new devices.\n"
                 "  = machine: q35,viommu=virtio\n"
                 "  > hostpci qm set 100 -machine pc-q35-7.2,viommu=virtio\n"},
    {.about = NULL},
};
