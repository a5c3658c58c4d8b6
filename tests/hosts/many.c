/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with any number of functions, for measurements. It consists of units of up to 64 functions: a root
 * port and, behind it, by turns a network card with virtual functions, graphics cards with sound, NVMe disks,
 * or a crypto accelerator with virtual functions. 128 units fill a domain, and every second domain is above
 * ffff. */
#include "tests/hosts/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNIT = 64, UNITS_A_DOMAIN = 128, SLOTS = 8 };

struct unit {
    unsigned number, domain, bus;
    unsigned left; /* functions still to be written */
    int group;     /* of its root port; the group of its i-th function is the i-th after it */
    struct path folder;
};

static struct path id_in(const struct unit *unit, unsigned device, unsigned function)
{
    return address_format((struct address){unit->domain, unit->bus, device, function});
}

static void write_port(const struct machine *machine, struct unit *unit)
{
    unsigned place = 8 + unit->number % UNITS_A_DOMAIN;
    struct path id = address_format((struct address){unit->domain, 0, place / 8, place % 8});
    struct path root = path("sys/devices/pci%04x:00", unit->domain);
    struct pci_function port = {
        .id = id.text,
        .ids = {0x8086, 0x2030, 0, 0},
        .class = 0x060400,
        .revision = 0x04,
        .driver = "pcieport",
        .group = unit->group,
        .node = unit->number % 2,
        .irq = 24 + unit->number % 200,
        .bus = unit->bus,
        .link = {{3, 16}, {3, 16}},
        .lean = true,
    };
    function_write(machine, &port, root.text);
    unit->folder = path("%s/%s", root.text, id.text);
    unit->left--;
}

/* One physical function, whose virtual functions are the rest of the unit. */
static void write_card(const struct machine *machine, const struct unit *unit, struct pci_function card)
{
    struct path id = id_in(unit, 0, 0), slot = path("%u", unit->number + 1);
    card.id = id.text;
    card.slot = unit->number < SLOTS ? slot.text : NULL;
    card.group = unit->group + 1;
    card.node = unit->number % 2;
    card.vfs.total = UNIT;
    card.vfs.active = unit->left - 1;
    card.vfs.offset = 8;
    card.vfs.stride = 1;
    card.vfs.first_group = unit->group + 2;
    function_write(machine, &card, unit->folder.text);
}

static void write_network(const struct machine *machine, const struct unit *unit)
{
    write_card(machine, unit,
               (struct pci_function){
                   .ids = {0x8086, 0x1592, 0x8086, 0x0002},
                   .class = 0x020000,
                   .revision = 0x02,
                   .driver = "ice",
                   .irq = 64,
                   .lean = true,
                   .regions = {REGION_PREFETCH(0xf8000000, 32 << 20)},
                   .vfs = {.device = 0x1889, .drivers = {"iavf", "iavf", "vfio-pci", NULL}},
               });
}

static void write_crypto(const struct machine *machine, const struct unit *unit)
{
    write_card(machine, unit,
               (struct pci_function){
                   .ids = {0x8086, 0x37c8, 0x8086, 0x0002},
                   .class = 0x0b4000,
                   .revision = 0x04,
                   .driver = "c6xx",
                   .irq = 65,
                   .lean = true,
                   .regions = {REGION_MEMORY64(0xfb400000, 256 << 10)},
                   .vfs = {.device = 0x37c9, .drivers = {"c6xxvf", "vfio-pci", "vfio-pci", "vfio-pci"}},
               });
}

static void write_graphics(const struct machine *machine, const struct unit *unit)
{
    for (unsigned i = 0; i < unit->left; i++) {
        bool sound = i % 2;
        struct path id = id_in(unit, i / 2, sound);
        struct pci_function function = {
            .id = id.text,
            .ids = {0x10de, sound ? 0x228b : 0x2484, 0x10de, 0x146b},
            .class = sound ? 0x040300 : 0x030000,
            .revision = 0xa1,
            .driver = i % 8 >= 6 ? "vfio-pci"
                      : sound    ? "snd_hda_intel"
                                 : "nouveau",
            .group = unit->group + 1 + (int)i / 2,
            .node = unit->number % 2,
            .irq = 16 + sound,
            .lean = true,
            .regions = {REGION_MEMORY(0xde000000, 16 << 20)},
        };
        function_write(machine, &function, unit->folder.text);
    }
}

static void write_drives(const struct machine *machine, const struct unit *unit)
{
    for (unsigned i = 0; i < unit->left; i++) {
        struct path id = id_in(unit, i / 8, i % 8);
        struct pci_function drive = {
            .id = id.text,
            .ids = {0x144d, 0xa808, 0x144d, 0xa801},
            .class = 0x010802,
            .driver = i % 8 == 7 ? NULL : "nvme",
            .group = unit->group + 1 + (int)i,
            .node = unit->number % 2,
            .irq = 32 + i,
            .lean = true,
            .regions = {REGION_MEMORY64(0xdf000000, 16 << 10)},
        };
        function_write(machine, &drive, unit->folder.text);
    }
}

static void write_unit(const struct machine *machine, unsigned number, unsigned left)
{
    static void (*const kinds[])(const struct machine *, const struct unit *) = {
        write_network, write_graphics, write_drives, write_crypto};
    unsigned domain = number / UNITS_A_DOMAIN;
    struct unit unit = {
        .number = number,
        .domain = domain % 2 ? 0x10000 + domain : domain,
        .bus = 1 + number % UNITS_A_DOMAIN,
        .left = left < UNIT ? left : UNIT,
        .group = (int)(number * UNIT),
    };
    write_port(machine, &unit);
    if (unit.left)
        kinds[number % 4](machine, &unit);
}

/* One process for each CPU, which share the units, as 65,536 functions are more than a million files. */
static void write_units(const struct host *host, unsigned count)
{
    unsigned workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), units = (count + UNIT - 1) / UNIT;
    tree_share_files(true);
    for (unsigned worker = 0; worker < workers; worker++) {
        pid_t child = fork();
        if (child < 0)
            fail("cannot start a process: %s", strerror(errno));
        for (unsigned i = worker; child == 0 && i < units; i += workers)
            write_unit(&host->machine, i, count - i * UNIT);
        if (child == 0)
            _exit(0);
    }
    for (int status; wait(&status) > 0;) {
        if (status != 0)
            fail("a process that wrote units failed");
    }
    tree_share_files(false);
}

const struct host host_many = {
    .name = "many",
    .text = "COUNT functions (at most 65536), to measure with",
    .machine = {.release = "6.1.0-28-amd64",
                .model = "Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz",
                .cmdline = "BOOT_IMAGE=/vmlinuz-6.1.0-28-amd64 root=/dev/sda2 ro intel_iommu=on",
                .iommu = "dmar",
                .group_type = "DMA-FQ",
                .cpus = 64,
                .nodes = 2,
                .memory = 524288},
    .finish = write_units,
};
