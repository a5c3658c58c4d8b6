/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server with two NVIDIA cards whose virtual functions carry vGPUs by NVIDIA's own interface in place of
 * the kernel's mdev one. Source: NVIDIA Virtual GPU Software User Guide, "vendor-specific VFIO framework". */
#include "tests/hosts/host.h"

#include <unistd.h>

#define TYPES "ID    : vGPU Name\n"

/* clang-format off */
static const struct pci_function functions[] = {
    {.id = "0000:00:00.0", .ids = {0x1022, 0x1480, 0x1022, 0x1480}, .class = 0x060000, .group = 0},
    {.id = "0000:40:01.1", .ids = {0x1022, 0x1483, 0, 0}, .class = 0x060400, .driver = "pcieport",
     .group = 1, .irq = 30, .bus = 0x41, .link = {{4, 16}, {4, 16}}},
    {.id = "0000:41:00.0", .behind = "0000:40:01.1", .ids = {0x10de, 0x26b9, 0x10de, 0x1851},
     .class = 0x030200, .revision = 0xa1, .driver = "nvidia", .group = 2, .irq = 80, .reset = "flr bus",
     .link = {{4, 16}, {4, 16}}, .slot = "5",
     .regions = {REGION_MEMORY(0xb0000000, 16 << 20), REGION_PREFETCH(0x28000000000, 64ULL << 30), {0},
         REGION_PREFETCH(0x29000000000, 32 << 20)},
     .vfs = {.total = 32, .active = 4, .offset = 4, .stride = 1, .device = 0x26b9, .first_group = 10,
         .drivers = {"nvidia", "nvidia", "nvidia", "nvidia"}}},
    {.id = "0000:c0:01.1", .ids = {0x1022, 0x1483, 0, 0}, .class = 0x060400, .driver = "pcieport",
     .group = 3, .node = 1, .irq = 31, .bus = 0xc1, .link = {{4, 16}, {4, 16}}},
    {.id = "0000:c1:00.0", .behind = "0000:c0:01.1", .ids = {0x10de, 0x26b9, 0x10de, 0x1851},
     .class = 0x030200, .revision = 0xa1, .driver = "nvidia", .group = 4, .node = 1, .irq = 81,
     .reset = "flr bus", .link = {{4, 16}, {4, 16}}, .slot = "6",
     .regions = {REGION_MEMORY(0xb4000000, 16 << 20), REGION_PREFETCH(0x48000000000, 64ULL << 30), {0},
         REGION_PREFETCH(0x49000000000, 32 << 20)},
     .vfs = {.total = 32, .active = 2, .offset = 4, .stride = 1, .device = 0x26b9, .first_group = 20,
         .drivers = {"nvidia", "nvidia", "nvidia", "nvidia"}}},
};
/* clang-format on */

/* The second card is full: one vGPU has all its memory, so that its other function's file has only the
 * heading. */
static const struct {
    const char *id;
    unsigned current;
    const char *creatable;
} vgpus[] = {
    {"0000:41:00.4", 1147, TYPES "1145  : NVIDIA L40S-1B\n1147  : NVIDIA L40S-1Q\n"},
    {"0000:41:00.5", 0, TYPES "1145  : NVIDIA L40S-1B\n1147  : NVIDIA L40S-1Q\n"},
    {"0000:41:00.6", 0, TYPES "1145  : NVIDIA L40S-1B\n1147  : NVIDIA L40S-1Q\n"},
    {"0000:41:00.7", 0, TYPES "1145  : NVIDIA L40S-1B\n1147  : NVIDIA L40S-1Q\n"},
    {"0000:c1:00.4", 1155, TYPES},
    {"0000:c1:00.5", 0, TYPES},
};

static void add_vgpus(const struct host *host, unsigned count)
{
    (void)count;
    for (size_t i = 0; i < sizeof(vgpus) / sizeof(vgpus[0]); i++) {
        int fd = tree_open_folder(path("%s/nvidia", host_find(host, vgpus[i].id).text).text);
        tree_put(fd, "creatable_vgpu_types", MODE_READ, "%s", vgpus[i].creatable);
        tree_put(fd, "current_vgpu_type", MODE_CHANGE, "%u\n", vgpus[i].current);
        tree_put(fd, "gpu_instance_id", MODE_CHANGE, "4294967295\n");
        tree_put(fd, "placement_id", MODE_CHANGE, "65535\n");
        tree_put(fd, "vgpu_params", MODE_CHANGE, "%s", "");
        close(fd);
    }
}

const struct host host_nvidia = {
    .name = "nvidia",
    .text = "NVIDIA cards with vGPUs on virtual functions, kernel 6.8",
    .machine = {.release = "6.8.12-4-amd64",
                .model = "AMD EPYC 7543 32-Core Processor",
                .cmdline = "BOOT_IMAGE=/vmlinuz-6.8.12-4-amd64 root=/dev/sda2 ro quiet",
                .iommu = "ivhd",
                .group_type = "DMA-FQ",
                .cpus = 64,
                .nodes = 2,
                .memory = 524288},
    FUNCTIONS(functions),
    .finish = add_vgpus,
};
