/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server with two NUMA nodes: on node 0 a card whose two ports have 32 virtual functions each, on node 1
 * one whose virtual functions are not made yet. */
#include "tests/hosts/host.h"

/* clang-format off */
static const struct pci_function functions[] = {
    {.id = "0000:00:00.0", .ids = {0x8086, 0x2020, 0x15d9, 0x095d}, .class = 0x060000, .revision = 0x04,
     .group = 0},
    {.id = "0000:00:1c.0", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400, .revision = 0xf9,
     .driver = "pcieport", .group = 1, .irq = 30, .bus = 0x02, .link = {{1, 1}, {3, 1}}},
    {.id = "0000:02:00.0", .behind = "0000:00:1c.0", .ids = {0x1a03, 0x1150, 0, 0}, .class = 0x060400,
     .revision = 0x04, .group = 1, .bus = 0x03},
    {.id = "0000:03:00.0", .behind = "0000:02:00.0", .ids = {0x1a03, 0x2000, 0x15d9, 0x095d},
     .class = 0x030000, .revision = 0x41, .driver = "ast", .group = 1, .irq = 16, .boot_vga = true,
     .regions = {REGION_MEMORY(0x9c000000, 16 << 20), REGION_MEMORY(0x9d000000, 128 << 10),
         REGION_IO(0x2000, 128), {0}, {0}, {0}, REGION_SHADOW_ROM}},
    {.id = "0000:00:1f.0", .ids = {0x8086, 0xa1c3, 0x15d9, 0x095d}, .class = 0x060100, .revision = 0x09,
     .group = 2},
    {.id = "0000:3a:00.0", .ids = {0x8086, 0x2030, 0, 0}, .class = 0x060400, .revision = 0x04,
     .driver = "pcieport", .group = 3, .irq = 31, .bus = 0x3b, .link = {{3, 8}, {3, 16}}},
    {.id = "0000:3b:00.0", .behind = "0000:3a:00.0", .ids = {0x8086, 0x1572, 0x8086, 0x0001},
     .class = 0x020000, .revision = 0x02, .driver = "i40e", .group = 4, .irq = 64, .reset = "flr bus",
     .link = {{3, 8}, {3, 8}}, .slot = "3",
     .regions = {REGION_PREFETCH(0xb8000000, 8 << 20), {0}, {0}, REGION_PREFETCH(0xb9008000, 32 << 10),
         {0}, {0}, REGION_ROM(0xb9c80000, 512 << 10)},
     .vfs = {.total = 64, .active = 32, .offset = 16, .stride = 1, .device = 0x154c, .first_group = 16,
         .drivers = {"iavf", "iavf", "vfio-pci", NULL}}},
    {.id = "0000:3b:00.1", .behind = "0000:3a:00.0", .ids = {0x8086, 0x1572, 0x8086, 0x0001},
     .class = 0x020000, .revision = 0x02, .driver = "i40e", .group = 5, .irq = 64, .reset = "flr bus",
     .link = {{3, 8}, {3, 8}},
     .regions = {REGION_PREFETCH(0xb7000000, 8 << 20), {0}, {0}, REGION_PREFETCH(0xb9000000, 32 << 10),
         {0}, {0}, REGION_ROM(0xb9c00000, 512 << 10)},
     .vfs = {.total = 64, .active = 32, .offset = 79, .stride = 1, .device = 0x154c, .first_group = 48,
         .drivers = {"iavf", "vfio-pci", NULL, NULL}}},
    {.id = "0000:d7:00.0", .ids = {0x8086, 0x2030, 0, 0}, .class = 0x060400, .revision = 0x04,
     .driver = "pcieport", .group = 6, .node = 1, .irq = 33, .bus = 0xd8, .link = {{3, 16}, {3, 16}}},
    {.id = "0000:d8:00.0", .behind = "0000:d7:00.0", .ids = {0x8086, 0x1592, 0x8086, 0x0002},
     .class = 0x020000, .revision = 0x02, .driver = "ice", .group = 7, .node = 1, .irq = 65,
     .reset = "flr bus", .link = {{3, 16}, {4, 16}}, .slot = "7",
     .regions = {REGION_PREFETCH(0xf8000000, 32 << 20), {0}, {0}, REGION_PREFETCH(0xfa010000, 64 << 10)},
     .vfs = {.total = 128, .offset = 8, .stride = 1, .device = 0x1889}},
    {.id = "0000:d7:02.0", .ids = {0x8086, 0x2032, 0, 0}, .class = 0x060400, .revision = 0x04,
     .driver = "pcieport", .group = 8, .node = 1, .irq = 34, .bus = 0xd9, .link = {{3, 4}, {3, 4}}},
    {.id = "0000:d9:00.0", .behind = "0000:d7:02.0", .ids = {0x144d, 0xa824, 0x144d, 0xa801},
     .class = 0x010802, .driver = "vfio-pci", .group = 9, .node = 1, .irq = 66, .reset = "flr bus",
     .override = "vfio-pci", .link = {{3, 4}, {4, 4}}, .regions = {REGION_MEMORY64(0xfb000000, 32 << 10)}},
};
/* clang-format on */

const struct host host_sriov = {
    .name = "sriov",
    .text = "a server with two NUMA nodes and 64 virtual functions",
    .machine = {.release = "6.1.0-28-amd64",
                .model = "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz",
                .cmdline = "BOOT_IMAGE=/vmlinuz-6.1.0-28-amd64 root=/dev/sda2 ro intel_iommu=on iommu=pt",
                .iommu = "dmar",
                .group_type = "identity",
                .cpus = 40,
                .nodes = 2,
                .memory = 262144},
    FUNCTIONS(functions),
};
