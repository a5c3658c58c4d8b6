/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A desktop: a graphics card and its sound function in one group with their root port, and a usual chipset;
 * the same without an IOMMU; and the same while functions are being pulled out. */
#include "tests/hosts/workstation.h"
#include "tests/hosts/host.h"

/* clang-format off */
const struct pci_function workstation_functions[WORKSTATION_FUNCTIONS] = {
    {.id = "0000:00:00.0", .ids = {0x8086, 0x591f, 0x1458, 0x5000}, .class = 0x060000, .revision = 0x05,
     .group = 0},
    {.id = "0000:00:01.0", .ids = {0x8086, 0x1901, 0, 0}, .class = 0x060400, .revision = 0x05,
     .driver = "pcieport", .group = 1, .irq = 120, .bus = 0x01, .link = {{3, 16}, {3, 16}}},
    {.id = "0000:01:00.0", .behind = "0000:00:01.0", .ids = {0x10de, 0x2484, 0x10de, 0x146b},
     .class = 0x030000, .revision = 0xa1, .driver = "nouveau", .group = 1, .irq = 16, .boot_vga = true,
     .reset = "bus", .link = {{1, 16}, {4, 16}}, .slot = "1",
     .regions = {REGION_MEMORY(0xde000000, 16 << 20), REGION_PREFETCH(0xc0000000, 256 << 20), {0},
         REGION_PREFETCH(0xd0000000, 32 << 20), {0}, REGION_IO(0xe000, 128), REGION_SHADOW_ROM}},
    {.id = "0000:01:00.1", .behind = "0000:00:01.0", .ids = {0x10de, 0x228b, 0x10de, 0x146b},
     .class = 0x040300, .revision = 0xa1, .driver = "snd_hda_intel", .group = 1, .irq = 17, .reset = "bus",
     .link = {{1, 16}, {4, 16}}, .regions = {REGION_MEMORY(0xdf080000, 16 << 10)}},
    {.id = "0000:00:14.0", .ids = {0x8086, 0xa2af, 0x1458, 0x5007}, .class = 0x0c0330, .driver = "xhci_hcd",
     .group = 2, .irq = 125, .reset = "pm",
     .reserved = "0x000000008b2f0000 0x000000008b30ffff direct-relaxable\n",
     .regions = {REGION_MEMORY64(0xdf130000, 64 << 10)}},
    {.id = "0000:00:17.0", .ids = {0x8086, 0xa282, 0x1458, 0xb005}, .class = 0x010601, .driver = "ahci",
     .group = 3, .irq = 126,
     .regions = {REGION_MEMORY(0xdf148000, 8 << 10), REGION_MEMORY(0xdf14c000, 256), REGION_IO(0xf050, 8),
         REGION_IO(0xf040, 4), REGION_IO(0xf020, 32), REGION_MEMORY(0xdf14b000, 2 << 10)}},
    {.id = "0000:00:1c.0", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400, .revision = 0xf0,
     .driver = "pcieport", .group = 4, .irq = 122, .bus = 0x02, .link = {{3, 4}, {3, 4}}},
    {.id = "0000:02:00.0", .behind = "0000:00:1c.0", .ids = {0x144d, 0xa808, 0x144d, 0xa801},
     .class = 0x010802, .driver = "nvme", .group = 5, .irq = 16, .reset = "flr bus",
     .link = {{3, 4}, {3, 4}}, .slot = "2", .regions = {REGION_MEMORY64(0xdf000000, 16 << 10)}},
    {.id = "0000:00:1f.0", .ids = {0x8086, 0xa2c5, 0x1458, 0x5001}, .class = 0x060100, .group = 6},
    {.id = "0000:00:1f.3", .ids = {0x8086, 0xa2f0, 0x1458, 0xa182}, .class = 0x040300,
     .driver = "snd_hda_intel", .group = 6, .irq = 142, .reset = "pm",
     .regions = {REGION_MEMORY64(0xdf140000, 16 << 10)}},
    {.id = "0000:00:1f.4", .ids = {0x8086, 0xa2a3, 0x1458, 0x5001}, .class = 0x0c0500,
     .driver = "i801_smbus", .group = 6, .irq = 16,
     .regions = {REGION_MEMORY64(0xdf14a000, 256), {0}, {0}, {0}, REGION_IO(0xf000, 32)}},
    {.id = "0000:00:1f.6", .ids = {0x8086, 0x15b8, 0x1458, 0xe000}, .class = 0x020000, .driver = "e1000e",
     .group = 6, .irq = 127, .reset = "flr pm", .regions = {REGION_MEMORY(0xdf100000, 128 << 10)}},
};
/* clang-format on */

const struct host host_workstation = {
    .name = "workstation",
    .text = "a desktop with a graphics card, NVMe, USB, SATA, network",
    .machine = WORKSTATION_MACHINE,
    FUNCTIONS(workstation_functions),
};

const struct host host_no_iommu = {
    .name = "no-iommu",
    .text = "the same with the IOMMU off",
    .machine = {.release = "6.1.0-28-amd64",
                .model = "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz",
                .cmdline = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/nvme0n1p2 ro quiet",
                .cpus = 8,
                .memory = 32768},
    FUNCTIONS(workstation_functions),
};

/* What a reader may find while the kernel removes functions. */
static void pull_out(const struct host *host, unsigned count)
{
    (void)host, (void)count;
    /* The folder is gone, but the link is still there. */
    tree_link_raw("sys/bus/pci/devices/0000:03:00.0", "../../../devices/pci0000:00/0000:03:00.0");
    /* The files are gone, but the folder is still there. */
    tree_make_folder("sys/devices/pci0000:00/0000:04:00.0");
    tree_link("sys/bus/pci/devices/0000:04:00.0", "sys/devices/pci0000:00/0000:04:00.0");
    /* A group's member and a driver's function, which are both gone. */
    tree_link_raw("sys/kernel/iommu_groups/5/devices/0000:03:00.0",
                  "../../../../devices/pci0000:00/0000:03:00.0");
    tree_link_raw("sys/bus/pci/drivers/nvme/0000:03:00.0", "../../../../devices/pci0000:00/0000:03:00.0");
}

const struct host host_vanishing = {
    .name = "vanishing",
    .text = "the same while 0000:03:00.0 and 0000:04:00.0 are being pulled out",
    .machine = WORKSTATION_MACHINE,
    FUNCTIONS(workstation_functions),
    .finish = pull_out,
};
