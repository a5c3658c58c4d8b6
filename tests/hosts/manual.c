/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A desktop with the devices in the examples of Proxmox VE's manual: graphics with GVT-g at 00:02.0 (and a
 * second function of it), a card with picture and sound at 02:00, and 4 virtual functions of the network card
 * at 0000:01:00.0. */
#include "tests/hosts/parts.h"

#define INTEGRATED "0000:00:02.0"

/* clang-format off */
static const struct pci_function functions[] = {
    {.id = "0000:00:00.0", .ids = {0x8086, 0x191f, 0x1462, 0x7969}, .class = 0x060000, .revision = 0x07,
     .group = 0},
    {.id = INTEGRATED, .ids = {0x8086, 0x1912, 0x1462, 0x7969}, .class = 0x030000, .revision = 0x06,
     .driver = "i915", .group = 1, .irq = 131, .boot_vga = true, .reset = "flr",
     .regions = {REGION_MEMORY64(0xdd000000, 16 << 20), {0}, REGION_PREFETCH(0xa0000000, 256 << 20), {0},
         REGION_IO(0xf000, 64), {0}, REGION_SHADOW_ROM}},
    {.id = "0000:00:02.1", .ids = {0x8086, 0x1913, 0x1462, 0x7969}, .class = 0x038000, .revision = 0x06,
     .group = 1, .reset = "flr", .regions = {REGION_MEMORY64(0xde000000, 4 << 20)}},
    {.id = "0000:00:1c.0", .ids = {0x8086, 0xa110, 0, 0}, .class = 0x060400, .revision = 0xf1,
     .driver = "pcieport", .group = 2, .irq = 120, .bus = 0x01, .link = {{2, 4}, {3, 4}}},
    {.id = "0000:01:00.0", .behind = "0000:00:1c.0", .ids = {0x8086, 0x1572, 0x8086, 0x0001},
     .class = 0x020000, .revision = 0x02, .driver = "i40e", .group = 3, .irq = 16, .reset = "flr bus",
     .link = {{3, 4}, {3, 8}}, .slot = "1", .regions = {REGION_PREFETCH(0xd2800000, 8 << 20)},
     .vfs = {.total = 64, .active = 4, .offset = 16, .stride = 1, .device = 0x154c, .first_group = 10,
         .drivers = {"iavf", "iavf", "iavf", "iavf"}}},
    {.id = "0000:00:1d.0", .ids = {0x8086, 0xa118, 0, 0}, .class = 0x060400, .revision = 0xf1,
     .driver = "pcieport", .group = 4, .irq = 121, .bus = 0x02, .link = {{3, 4}, {3, 4}}},
    {.id = "0000:02:00.0", .behind = "0000:00:1d.0", .ids = {0x10de, 0x1d01, 0x1462, 0x8c98},
     .class = 0x030000, .revision = 0xa1, .driver = "nouveau", .group = 5, .irq = 17, .reset = "bus",
     .link = {{1, 4}, {3, 4}}, .slot = "2",
     .regions = {REGION_MEMORY(0xdc000000, 16 << 20), REGION_PREFETCH(0xb0000000, 256 << 20), {0},
         REGION_PREFETCH(0xc0000000, 32 << 20), {0}, REGION_IO(0xd000, 128), REGION_ROM(0xdd080000, 512 << 10)}},
    {.id = "0000:02:00.1", .behind = "0000:00:1d.0", .ids = {0x10de, 0x0fb8, 0x1462, 0x8c98},
     .class = 0x040300, .revision = 0xa1, .driver = "snd_hda_intel", .group = 5, .irq = 18, .reset = "bus",
     .link = {{1, 4}, {3, 4}}, .regions = {REGION_MEMORY(0xdd070000, 16 << 10)}},
};
/* clang-format on */

static void add_mediated_devices(const struct host *host, unsigned count)
{
    const struct mdev_type type = {
        "i915-GVTg_V5_4", NULL,
        "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n", 1};

    (void)count;
    mdev_write_type(host, INTEGRATED, &type);
    module_load("kvmgt");
    module_load("vfio");
    module_load("vfio_iommu_type1");
    module_load("vfio_pci");
}

const struct host host_manual = {
    .name = "manual",
    .text = "a desktop with the devices of the manual's examples",
    .machine = {.release = "5.10.0-33-amd64",
                .model = "Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz",
                .cmdline = "BOOT_IMAGE=/boot/vmlinuz-5.10.0-33-amd64 root=/dev/sda1 ro intel_iommu=on "
                           "i915.enable_gvt=1",
                .iommu = "dmar",
                .group_type = "DMA",
                .cpus = 8,
                .memory = 32768},
    FUNCTIONS(functions),
    .finish = add_mediated_devices,
};
