/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variants of the golden host: modules, their settings, which driver has the card. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"

#define SETTINGS     "etc/modprobe.d/vfio.conf"
#define DEPENDENCIES "lib/modules/" GOLDEN_RELEASE "/modules.dep"
#define INITRAMFS    "boot/initrd.img-" GOLDEN_RELEASE

static void set(const char *lines)
{
    tree_replace(SETTINGS, "%s", lines);
    tree_set_time(SETTINGS, GOLDEN_SETTINGS_TIME);
}

static void unload_vfio(void)
{
    static const char *const names[] = {"vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci_core",
                                        "vfio_pci"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        module_unload(names[i]);
}

static void driverless(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].driver = NULL;
    golden->functions[GOLDEN_GPU_SOUND].driver = NULL;
}

static void with_host_drivers(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].driver = "nouveau";
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void sound_with_host_driver(struct golden *golden)
{
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void leave_vfio_unloaded(const struct host *golden)
{
    (void)golden;
    unload_vfio();
}

static void remove_vfio(const struct host *golden)
{
    (void)golden;
    unload_vfio();
    tree_replace(DEPENDENCIES,
                 "kernel/drivers/nvme/host/nvme.ko:\nkernel/drivers/gpu/drm/nouveau/nouveau.ko:\n");
}

static void blacklist_vfio(const struct host *golden)
{
    (void)golden;
    unload_vfio();
    tree_write("etc/modprobe.d/no-vfio.conf", MODE_CHANGE, "blacklist vfio-pci\n");
    tree_set_time("etc/modprobe.d/no-vfio.conf", GOLDEN_SETTINGS_TIME);
}

static void forbid_vfio(const struct host *golden)
{
    (void)golden;
    unload_vfio();
    tree_write("etc/modprobe.d/no-vfio.conf", MODE_CHANGE, "# not here\ninstall vfio-pci /bin/false\n");
    tree_set_time("etc/modprobe.d/no-vfio.conf", GOLDEN_SETTINGS_TIME);
}

/* After an upgrade that took the running kernel's modules away. */
static void remove_modules(const struct host *golden)
{
    (void)golden;
    unload_vfio();
    tree_remove("lib/modules/" GOLDEN_RELEASE);
}

static void build_vfio_in(const struct host *golden)
{
    (void)golden;
    unload_vfio();
    tree_append("lib/modules/" GOLDEN_RELEASE "/modules.builtin",
                "kernel/drivers/vfio/vfio.ko\nkernel/drivers/vfio/vfio_iommu_type1.ko\n"
                "kernel/drivers/vfio/vfio_virqfd.ko\nkernel/drivers/vfio/pci/vfio-pci-core.ko\n"
                "kernel/drivers/vfio/pci/vfio-pci.ko\n");
}

static void unload_type1(const struct host *golden)
{
    (void)golden;
    module_unload("vfio_iommu_type1");
}

static void remove_virqfd(const struct host *golden)
{
    (void)golden;
    module_unload("vfio_virqfd");
}

static void load_nothing_at_boot(const struct host *golden)
{
    (void)golden;
    tree_replace("etc/modules", "# /etc/modules: kernel modules to load at boot time.\n");
}

static void make_initramfs_old(const struct host *golden)
{
    (void)golden;
    tree_set_time(INITRAMFS, GOLDEN_SETTINGS_TIME - 3600);
}

static void set_nothing(const struct host *golden)
{
    (void)golden;
    tree_remove(SETTINGS);
}

static void set_ids_wrongly(const struct host *golden)
{
    (void)golden;
    set("options vfio-pci ids=10de:2484,10de-228b\nsoftdep snd_hda_intel pre: vfio-pci\nblacklist nouveau\n");
}

static void set_ids_alone(const struct host *golden)
{
    (void)golden;
    set("options vfio-pci ids=10de:2484,10de:228b\n");
}

static void set_ids_of_disks(const struct host *golden)
{
    (void)golden;
    set("options vfio-pci ids=144d:a808\nsoftdep nvme pre: vfio-pci\n");
}

static void set_blacklist_alone(const struct host *golden)
{
    (void)golden;
    set("blacklist nouveau\nblacklist snd_hda_intel\n");
}

static void set_softdep_alone(const struct host *golden)
{
    (void)golden;
    set("softdep nouveau pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n");
}

const struct variant variants_of_driver[] = {
    {"vfio-missing", "a kernel without the modules of vfio", GPU, driverless, remove_vfio},
    {"vfio-unloaded", "the modules of vfio are there, not loaded", GPU, driverless, leave_vfio_unloaded},
    {"vfio-blacklisted", "vfio_pci is blacklisted", GPU, driverless, blacklist_vfio},
    {"vfio-forbidden", "an install line keeps vfio_pci from being loaded", GPU, driverless, forbid_vfio},
    {"modules-removed", "the running kernel was removed, and vfio is not loaded", GPU, driverless,
     remove_modules},
    {"vfio-built-in", "vfio is built into the kernel", GPU, NULL, build_vfio_in},
    {"type1-unloaded", "vfio_iommu_type1 is not loaded", NULL, NULL, unload_type1},
    {"virqfd-unloaded", "vfio_virqfd is not loaded, before 6.2", NULL, NULL, remove_virqfd},
    {"not-at-boot", "/etc/modules does not name vfio_pci", NULL, NULL, load_nothing_at_boot},
    {"initramfs-old", "update-initramfs was forgotten", NULL, NULL, make_initramfs_old},
    {"ids-syntax", "a typing error in vfio-pci's ids", NULL, NULL, set_ids_wrongly},
    {"host-drivers", "nothing is set up, the host's drivers have the card", GPU, with_host_drivers,
     set_nothing},
    {"driver-at-boot", "the same, of the card's sound", "0000:01:00.1", with_host_drivers, set_nothing},
    {"sound-driver", "the host's driver has the card's sound", GPU, sound_with_host_driver, NULL},
    {"ids-without-softdep", "vfio-pci's ids name the card, but nouveau was faster", GPU, with_host_drivers,
     set_ids_alone},
    {"ids-not-in-effect", "all is set up, but nouveau has the card", GPU, with_host_drivers, NULL},
    {"ids-of-root-disk", "ids that are also those of the disk with the root file system", SPARE_DISK, NULL,
     set_ids_of_disks},
    {"blacklist-alone", "the host's drivers are blacklisted", GPU, driverless, set_blacklist_alone},
    {"blacklist-not-in-effect", "nouveau has the card although blacklisted", GPU, with_host_drivers,
     set_blacklist_alone},
    {"softdep-alone", "softdep lines, but no ids", GPU, with_host_drivers, set_softdep_alone},
    {0},
};
