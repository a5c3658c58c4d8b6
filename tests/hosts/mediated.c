/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A desktop whose integrated graphics creates mediated devices (Intel GVT-g); one exists. */
#include "tests/hosts/parts.h"

#define GPU      "0000:00:02.0"
#define INSTANCE "d577a7cf-2595-44d8-9c08-c67358dcf7ac"

/* clang-format off */
static const struct pci_function functions[] = {
    {.id = "0000:00:00.0", .ids = {0x8086, 0x591f, 0x1028, 0x07a1}, .class = 0x060000, .revision = 0x05,
     .group = 0},
    {.id = GPU, .ids = {0x8086, 0x5912, 0x1028, 0x07a1}, .class = 0x030000, .revision = 0x04,
     .driver = "i915", .group = 1, .irq = 131, .boot_vga = true, .reset = "flr",
     .reserved = "0x000000008d800000 0x000000008fffffff direct-relaxable\n",
     .regions = {REGION_MEMORY64(0xf6000000, 16 << 20), {0}, REGION_PREFETCH(0xe0000000, 256 << 20), {0},
         REGION_IO(0xf000, 64), {0}, REGION_SHADOW_ROM}},
    {.id = "0000:00:14.0", .ids = {0x8086, 0xa2af, 0x1028, 0x07a1}, .class = 0x0c0330, .driver = "xhci_hcd",
     .group = 2, .irq = 125, .reset = "pm", .regions = {REGION_MEMORY64(0xf7130000, 64 << 10)}},
    {.id = "0000:00:17.0", .ids = {0x8086, 0xa282, 0x1028, 0x07a1}, .class = 0x010601, .driver = "ahci",
     .group = 3, .irq = 126, .regions = {REGION_MEMORY(0xf7148000, 8 << 10)}},
};
/* clang-format on */

/* With the words and line breaks of i915. */
static const struct mdev_type types[] = {
    {"i915-GVTg_V5_4", NULL,
     "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n", 1},
    {"i915-GVTg_V5_8", NULL,
     "low_gm_size: 64MB\nhigh_gm_size: 384MB\nfence: 4\nresolution: 1024x768\nweight: 2\n", 3},
};

static void add_mediated_devices(const struct host *host, unsigned count)
{
    (void)count;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        mdev_write_type(host, GPU, &types[i]);
    mdev_write_instance(host, GPU, "i915-GVTg_V5_8", INSTANCE, 12);
}

const struct host host_mdev = {
    .name = "mdev",
    .text = "integrated graphics with two types of mediated devices and one instance",
    .machine = {.release = "5.10.0-33-amd64",
                .model = "Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz",
                .cmdline = "BOOT_IMAGE=/boot/vmlinuz-5.10.0-33-amd64 root=/dev/sda1 ro intel_iommu=on "
                           "i915.enable_gvt=1",
                .iommu = "dmar",
                .group_type = "DMA",
                .cpus = 8,
                .memory = 16384},
    FUNCTIONS(functions),
    .finish = add_mediated_devices,
};
