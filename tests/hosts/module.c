/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules: which are loaded, and which could be. Sources: Documentation/ABI/testing/sysfs-module of
 * the Linux kernel, modules.dep(5). */
#include "tests/hosts/parts.h"

#include <stdio.h>
#include <unistd.h>

/* Files below kernel/drivers, and the first and last minor version of Linux 6 that has them. */
static const struct {
    const char *file;
    unsigned until;
} available[] = {
    {"gpu/drm/i915/i915.ko", 0},
    {"gpu/drm/i915/kvmgt.ko", 0},
    {"gpu/drm/nouveau/nouveau.ko", 0},
    {"net/ethernet/intel/i40e/i40e.ko", 0},
    {"nvme/host/nvme.ko", 0},
    {"vfio/pci/vfio-pci-core.ko", 0},
    {"vfio/pci/vfio-pci.ko", 0},
    {"vfio/mdev/mdev.ko", 0},
    {"vfio/vfio.ko", 0},
    {"vfio/vfio_iommu_type1.ko", 0},
    {"vfio/vfio_virqfd.ko", 1},
};

static unsigned minor_of(const char *release)
{
    unsigned major, minor;
    if (sscanf(release, "%u.%u", &major, &minor) != 2)
        fail("'%s' is no kernel release", release);
    return major < 6 ? 0 : minor;
}

struct path module_load(const char *name)
{
    struct path folder = path("sys/module/%s", name);
    tree_make_folder(folder.text);
    tree_replace(path("%s/initstate", folder.text).text, "live\n");
    tree_append("proc/modules", "%s 65536 0 - Live 0x0000000000000000\n", name);
    return folder;
}

void module_unload(const char *name)
{
    tree_remove(path("sys/module/%s", name).text);
}

void module_write_lists(const char *release)
{
    struct path folder = path("lib/modules/%s", release);
    struct path dependencies = path("%s/modules.dep", folder.text);
    tree_write(path("%s/modules.builtin", folder.text).text, MODE_CHANGE,
               "kernel/drivers/pci/pcie/portdrv.ko\nkernel/drivers/video/fbdev/efifb.ko\n");
    for (size_t i = 0; i < sizeof(available) / sizeof(available[0]); i++) {
        if (!available[i].until || minor_of(release) <= available[i].until)
            tree_append(dependencies.text, "kernel/drivers/%s:\n", available[i].file);
    }
}
