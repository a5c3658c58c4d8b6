/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The golden host: a server at home, whose graphics card is for a virtual machine. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"
#include "tests/hosts/use.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct pci_function functions[GOLDEN_FUNCTIONS] = {
    [GOLDEN_BRIDGE] = {.id = "0000:00:00.0", .ids = {0x8086, 0x591f, 0x1458, 0x5000}, .class = 0x060000,
        .revision = 0x05, .group = 0},
    [GOLDEN_PORT] = {.id = "0000:00:01.0", .ids = {0x8086, 0x1901, 0, 0}, .class = 0x060400, .driver = "pcieport",
        .group = 1, .irq = 120, .bus = 0x01, .link = {{3, 16}, {3, 16}}},
    [GOLDEN_GPU] = {.id = GPU, .behind = "0000:00:01.0", .ids = {0x10de, 0x2484, 0x10de, 0x146b},
        .class = 0x030000, .revision = 0xa1, .driver = "vfio-pci", .group = 2, .irq = 16, .reset = "bus",
        .link = {{1, 16}, {4, 16}}, .slot = "1",
        .regions = {REGION_MEMORY(0xde000000, 16 << 20), REGION_PREFETCH(0xc0000000, 256 << 20), {0},
            REGION_PREFETCH(0xd0000000, 32 << 20), {0}, REGION_IO(0xe000, 128),
            REGION_ROM(0xdf000000, 512 << 10)}},
    [GOLDEN_GPU_SOUND] = {.id = GPU_SOUND, .behind = "0000:00:01.0", .ids = {0x10de, 0x228b, 0x10de, 0x146b},
        .class = 0x040300, .revision = 0xa1, .driver = "vfio-pci", .group = 2, .irq = 17, .reset = "bus",
        .link = {{1, 16}, {4, 16}}, .regions = {REGION_MEMORY(0xdf080000, 16 << 10)}},
    [GOLDEN_INTEGRATED] = {.id = INTEGRATED, .ids = {0x8086, 0x5912, 0x1458, 0xd000}, .class = 0x030000,
        .revision = 0x04, .driver = "i915", .group = 3, .irq = 131, .boot_vga = true, .reset = "flr",
        .reserved = "0x000000008d800000 0x000000008fffffff direct-relaxable\n",
        .regions = {REGION_MEMORY64(0xdc000000, 16 << 20), {0}, REGION_PREFETCH(0xb0000000, 256 << 20), {0},
            REGION_IO(0xf000, 64), {0}, REGION_SHADOW_ROM}},
    [GOLDEN_USB] = {.id = "0000:00:14.0", .ids = {0x8086, 0xa2af, 0x1458, 0x5007}, .class = 0x0c0330,
        .driver = "xhci_hcd", .group = 4, .irq = 125, .reset = "pm",
        .regions = {REGION_MEMORY64(0xdf530000, 64 << 10)}},
    [GOLDEN_PORT_OF_ROOT] = {.id = "0000:00:1c.0", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400,
        .revision = 0xf0, .driver = "pcieport", .group = 5, .irq = 122, .bus = 0x02, .link = {{3, 4}, {3, 4}}},
    [GOLDEN_ROOT] = {.id = ROOT_DISK, .behind = "0000:00:1c.0", .ids = {0x144d, 0xa808, 0x144d, 0xa801},
        .class = 0x010802, .driver = "nvme", .group = 6, .irq = 16, .reset = "flr bus",
        .link = {{3, 4}, {3, 4}}, .slot = "2", .regions = {REGION_MEMORY64(0xdf400000, 16 << 10)}},
    [GOLDEN_PORT_OF_NIC] = {.id = "0000:00:1c.4", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400,
        .revision = 0xf0, .driver = "pcieport", .group = 7, .irq = 123, .bus = 0x03, .link = {{3, 4}, {3, 4}}},
    [GOLDEN_NIC] = {.id = NIC, .behind = "0000:00:1c.4", .ids = {0x8086, 0x1572, 0x8086, 0x0001},
        .class = 0x020000, .revision = 0x02, .driver = "i40e", .group = 8, .irq = 64, .reset = "flr bus",
        .link = {{3, 4}, {3, 8}}, .slot = "3", .regions = {REGION_PREFETCH(0xd2800000, 8 << 20)},
        .vfs = {.total = 64, .offset = 16, .stride = 1, .device = 0x154c, .first_group = 30}},
    [GOLDEN_SPARE_NIC] = {.id = SPARE_NIC, .behind = "0000:00:1c.4", .ids = {0x8086, 0x1572, 0x8086, 0x0001},
        .class = 0x020000, .revision = 0x02, .driver = "i40e", .group = 9, .irq = 64, .reset = "flr bus",
        .link = {{3, 4}, {3, 8}}, .regions = {REGION_PREFETCH(0xd2000000, 8 << 20)},
        .vfs = {.total = 64, .offset = 79, .stride = 1, .device = 0x154c, .first_group = 40}},
    [GOLDEN_PORT_OF_DISK] = {.id = "0000:00:1d.0", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400,
        .revision = 0xf0, .driver = "pcieport", .group = 10, .irq = 124, .bus = 0x04, .link = {{3, 4}, {3, 4}}},
    [GOLDEN_DISK] = {.id = SPARE_DISK, .behind = "0000:00:1d.0", .ids = {0x144d, 0xa808, 0x144d, 0xa801},
        .class = 0x010802, .driver = "nvme", .group = 11, .irq = 17, .reset = "flr bus",
        .link = {{3, 4}, {3, 4}}, .slot = "4", .regions = {REGION_MEMORY64(0xdf300000, 16 << 10)}},
    [GOLDEN_PORT_OF_USB] = {.id = "0000:00:1d.4", .ids = {0x8086, 0xa290, 0, 0}, .class = 0x060400,
        .revision = 0xf0, .driver = "pcieport", .group = 12, .irq = 126, .bus = 0x05, .link = {{2, 1}, {3, 1}}},
    [GOLDEN_SPARE_USB] = {.id = SPARE_USB, .behind = "0000:00:1d.4", .ids = {0x1912, 0x0014, 0x1912, 0x0014},
        .class = 0x0c0330, .revision = 0x03, .driver = "xhci_hcd", .group = 13, .irq = 18, .reset = "flr pm bus",
        .link = {{2, 1}, {2, 1}}, .slot = "5", .regions = {REGION_MEMORY64(0xdf200000, 8 << 10)}},
    [GOLDEN_ISA] = {.id = "0000:00:1f.0", .ids = {0x8086, 0xa2c5, 0x1458, 0x5001}, .class = 0x060100,
        .group = 14},
    [GOLDEN_SOUND] = {.id = BOARD_SOUND, .ids = {0x8086, 0xa2f0, 0x1458, 0xa182}, .class = 0x040300,
        .driver = "snd_hda_intel", .group = 15, .irq = 142, .reset = "pm",
        .regions = {REGION_MEMORY64(0xdf540000, 16 << 10)}},
};
/* clang-format on */

/* What an admin sets up by the manual. */
static void write_settings(const struct machine *machine)
{
    const char *own = strstr(machine->cmdline, " ro ");
    static const char *const files[] = {"etc/modprobe.d/vfio.conf", "etc/modules", "etc/default/grub"};
    tree_write(files[0], MODE_CHANGE,
               "# the graphics card and its sound\n"
               "options vfio-pci ids=10de:2484,10de:228b\n"
               "softdep nouveau pre: vfio-pci\n"
               "softdep snd_hda_intel pre: vfio-pci\n"
               "blacklist nouveau\n");
    tree_write(files[1], MODE_CHANGE,
               "# /etc/modules: kernel modules to load at boot "
               "time.\nvfio\nvfio_iommu_type1\nvfio_pci\nvfio_virqfd\n");
    tree_write(files[2], MODE_CHANGE,
               "GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"%s\"\nGRUB_CMDLINE_LINUX=\"\"\n",
               own ? own + strlen(" ro ") : "");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        tree_set_time(files[i], GOLDEN_SETTINGS_TIME);
}

static void write_kernel_files(const char *release)
{
    struct path initramfs = path("boot/initrd.img-%s", release);
    tree_write(path("boot/vmlinuz-%s", release).text, MODE_CHANGE, "MZ");
    tree_write(initramfs.text, MODE_CHANGE, "070701");
    tree_set_time(initramfs.text, GOLDEN_INITRAMFS_TIME);
    tree_write(
        path("boot/config-%s", release).text, MODE_CHANGE,
        "#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_AMD_IOMMU=y\nCONFIG_INTEL_IOMMU=y\n# "
        "CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\n"
        "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y\nCONFIG_IOMMU_SUPPORT=y\nCONFIG_VFIO=m\n"
        "CONFIG_VFIO_IOMMU_TYPE1=m\nCONFIG_VFIO_PCI=m\nCONFIG_VFIO_PCI_VGA=y\nCONFIG_VFIO_VIRQFD=m\n");
}

static void load_modules(void)
{
    static const char *const names[] = {
        "vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci_core", "vfio_pci", "kvm", "kvm_intel"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        module_load(names[i]);
    tree_write("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", MODE_CHANGE, "N\n");
    tree_write("sys/module/vfio_pci/parameters/ids", MODE_READ, "10de:2484,10de:228b\n");
    tree_write("sys/module/vfio_pci/parameters/disable_vga", MODE_READ, "N\n");
    tree_write("sys/module/vfio_pci/parameters/disable_idle_d3", MODE_READ, "N\n");
}

static void write_disk(const struct host *host, const char *id, unsigned number)
{
    struct path folder = path("%s/nvme/nvme%u", host_find(host, id).text, number);
    struct path name = path("nvme%un1", number);
    struct path disk = block_write(folder.text, name.text, path("259:%u", number * 4).text);
    for (unsigned i = 1; i <= 2; i++)
        block_write_partition(disk.text, path("%sp%u", name.text, i).text,
                              path("259:%u", number * 4 + i).text, i);
}

static void write_disks(const struct host *host)
{
    write_disk(host, ROOT_DISK, 0);
    write_disk(host, SPARE_DISK, 1);
    mount_write("259:1", "/boot/efi", "vfat", "/dev/nvme0n1p1");
    tree_write("proc/swaps", MODE_READ, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

/* 192.0.2.2 on the bridge vmbr0, whose port is the first function of the network card. */
static void write_network(const struct host *host)
{
    interface_write(NULL, "lo", true);
    interface_write(NULL, "vmbr0", true);
    interface_write(host_find(host, NIC).text, "enp3s0f0", true);
    interface_write(host_find(host, SPARE_NIC).text, "enp3s0f1", false);
    interface_put_under("enp3s0f0", "vmbr0", "brport");
    tree_write("proc/net/route", MODE_READ,
               "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
               "vmbr0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
               "vmbr0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
    tree_write("proc/net/fib_trie", MODE_READ,
               "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
               "     +-- 192.0.2.0/24 2 0 2\n        |-- 192.0.2.0\n           /24 link UNICAST\n"
               "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
               "     |-- 192.0.2.2\n        /32 host LOCAL\n");
    tree_write("proc/net/ipv6_route", MODE_READ, "%s", "");
    tree_write("proc/net/if_inet6", MODE_READ,
               "00000000000000000000000000000001 01 80 10 80       lo\n"
               "fe8000000000000000005efffe100001 02 40 20 80    vmbr0\n");
}

static void write_others(const struct host *host)
{
    struct path usb = host_find(host, host->functions[GOLDEN_USB].id);
    display_write(host_find(host, INTEGRATED).text, 0, true);
    sound_write(host_find(host, BOARD_SOUND).text, 0, 0);
    usb_write(usb.text, "1-2",
              &(struct usb_device){.product = "Dell KB216 Wired Keyboard", .class = 0x03, .protocol = 0x01});
    process_write(1, "systemd", NULL);
    process_write(812, "systemd-logind", "/dev/dri/card0");
    tree_write("proc/iomem", MODE_READ,
               "00000000-00000000 : System RAM\n00000000-00000000 : PCI Bus 0000:00\n"
               "  00000000-00000000 : 0000:00:02.0\n  00000000-00000000 : PCI Bus 0000:01\n"
               "    00000000-00000000 : 0000:01:00.0\n      00000000-00000000 : vfio-pci\n");
    tree_write("sys/kernel/security/lockdown", MODE_CHANGE, "[none] integrity confidentiality\n");
}

static void write_surroundings(const struct host *host, unsigned count)
{
    (void)count;
    load_modules();
    write_settings(&host->machine);
    write_kernel_files(host->machine.release);
    write_disks(host);
    write_network(host);
    write_others(host);
}

const struct host host_golden = {
    .name = "golden",
    .text = "set up right for passing through a graphics card; golden:VARIANT is wrong in one thing",
    .machine = {.release = GOLDEN_RELEASE,
                .model = "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz",
                .cmdline = GOLDEN_CMDLINE " intel_iommu=on",
                .iommu = "dmar",
                .group_type = "DMA-FQ",
                .cpus = 8,
                .memory = 32768},
    FUNCTIONS(functions),
    .finish = write_surroundings,
};

static const struct variant *const tables[] = {variants_of_iommu, variants_of_driver, variants_of_device,
                                               variants_of_use, variants_of_field};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static const struct variant *find_variant(const char *name)
{
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct variant *variant = tables[i]; variant->name; variant++) {
            if (strcmp(variant->name, name) == 0)
                return variant;
        }
    }
    return NULL;
}

bool golden_write(const char *name)
{
    const struct variant *variant = find_variant(name);
    struct golden golden = {.machine = host_golden.machine};
    struct host host = host_golden;
    if (!variant)
        return false;
    memcpy(golden.functions, functions, sizeof(functions));
    if (variant->prepare)
        variant->prepare(&golden);
    host.machine = golden.machine;
    host.functions = golden.functions;
    host_write(&host, 0);
    if (variant->finish)
        variant->finish(&host);
    return true;
}

void golden_list(void)
{
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct variant *variant = tables[i]; variant->name; variant++)
            printf("golden:%s %s %s\n", variant->name, variant->id ? variant->id : "-", variant->text);
    }
}
