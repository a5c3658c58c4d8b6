/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server whose NVMe disks are in a PCI domain above ffff, which Intel's Volume Management Device opens. The
 * kernel attributes their DMA to that controller, so that they share its IOMMU group. */
#include "tests/hosts/host.h"

#define VMD "0000:00:0e.0"

/* clang-format off */
static const struct pci_function functions[] = {
    {.id = "0000:00:00.0", .ids = {0x8086, 0x4660, 0x1043, 0x8882}, .class = 0x060000, .revision = 0x02,
     .group = 0},
    {.id = VMD, .ids = {0x8086, 0x467f, 0x8086, 0x0000}, .class = 0x010400, .driver = "vmd", .group = 5,
     .regions = {REGION_PREFETCH(0x6000000000, 32 << 20), {0}, REGION_MEMORY(0x80000000, 32 << 20), {0},
         REGION_MEMORY64(0x6002000000, 1 << 20)}},
    {.id = "10000:e0:06.0", .behind = VMD, .ids = {0x8086, 0x7ab8, 0, 0}, .class = 0x060400,
     .driver = "pcieport", .group = 5, .irq = 140, .bus = 0xe1, .link = {{4, 4}, {4, 4}}},
    {.id = "10000:e1:00.0", .behind = "10000:e0:06.0", .ids = {0x144d, 0xa808, 0x144d, 0xa801},
     .class = 0x010802, .driver = "nvme", .group = 5, .irq = 141, .reset = "flr", .link = {{3, 4}, {3, 4}},
     .regions = {REGION_MEMORY64(0x80000000, 16 << 10)}},
    {.id = "10000:e0:1d.0", .behind = VMD, .ids = {0x8086, 0x7ab0, 0, 0}, .class = 0x060400,
     .driver = "pcieport", .group = 5, .irq = 142, .bus = 0xe2, .link = {{3, 4}, {4, 4}}},
    {.id = "10000:e2:00.0", .behind = "10000:e0:1d.0", .ids = {0x8086, 0x0a54, 0x8086, 0x4702},
     .class = 0x010802, .group = 5, .reset = "flr", .link = {{3, 4}, {3, 4}},
     .regions = {REGION_MEMORY64(0x80100000, 16 << 10)}},
    {.id = "0000:00:1f.0", .ids = {0x8086, 0x7a84, 0x1043, 0x8694}, .class = 0x060100, .revision = 0x11,
     .group = 6},
};
/* clang-format on */

static void add_domain_link(const struct host *host, unsigned count)
{
    (void)count;
    struct path vmd = host_find(host, VMD);
    struct path bus = path("%s/pci10000:e0/pci_bus/10000:e0", vmd.text);
    tree_make_folder(bus.text);
    tree_link(path("%s/domain", vmd.text).text, bus.text);
}

const struct host host_big_domain = {
    .name = "big-domain",
    .text = "NVMe drives in domain 10000",
    .machine = {.release = "6.1.0-28-amd64",
                .model = "12th Gen Intel(R) Core(TM) i9-12900K",
                .cmdline =
                    "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/nvme0n1p2 ro quiet intel_iommu=on",
                .iommu = "dmar",
                .group_type = "DMA-FQ",
                .cpus = 24,
                .memory = 65536},
    FUNCTIONS(functions),
    .finish = add_domain_link,
};
