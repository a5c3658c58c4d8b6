/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workstation with every kind of damage that a reader may meet: each function on bus 03 has another. */
#include "tests/hosts/parts.h"
#include "tests/hosts/workstation.h"

#include <string.h>
#include <unistd.h>

#define ROOT "sys/devices/pci0000:00/"

static const char good[] = "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02\n"; /* modalias */
static const char garbage[] = "\x80\xff\x00\x01pci:v\xc3\x28:::\nd\n=\n\n%s%n\x7f";

/* Adds a function that is listed, and returns the path of its folder. */
static struct path add(const char *id)
{
    struct path folder = path(ROOT "%s", id);
    tree_make_folder(folder.text);
    tree_link(path("sys/bus/pci/devices/%s", id).text, folder.text);
    return folder;
}

static struct path in(struct path folder, const char *name)
{
    return path("%s/%s", folder.text, name);
}

static void put_garbage(struct path folder, const char *name)
{
    int fd = tree_open_folder(folder.text);
    tree_put_bytes(fd, name, MODE_CHANGE, garbage, sizeof(garbage) - 1);
    close(fd);
}

static void put_good(struct path folder)
{
    tree_write(in(folder, "modalias").text, MODE_CHANGE, "%s", good);
}

/* The file that every listed function needs. */
static void break_modaliases(void)
{
    char line[8192];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    add("0000:03:00.0"); /* no file at all */
    tree_write(in(add("0000:03:01.0"), "modalias").text, MODE_CHANGE, "%s", "");
    tree_write(in(add("0000:03:02.0"), "modalias").text, MODE_CHANGE, "pci:v0000144Dd0000A8");
    put_garbage(add("0000:03:03.0"), "modalias");
    tree_make_folder(in(add("0000:03:04.0"), "modalias").text);
    tree_write(in(add("0000:03:05.0"), "modalias").text, 0, "%s", good);
    tree_write(in(add("0000:03:06.0"), "modalias").text, MODE_CHANGE, "pci:v%s\n", line);
    tree_write(in(add("0000:03:07.0"), "modalias").text, MODE_CHANGE,
               "pci:v1111144Dd0000A808sv-000144Dsd0000A801bcFFscFFiFF\n");
}

/* The modalias is good, and everything else in the folder is wrong. */
static void break_other_files(void)
{
    static const char *const names[] = {"vendor",
                                        "device",
                                        "class",
                                        "revision",
                                        "subsystem_vendor",
                                        "subsystem_device",
                                        "numa_node",
                                        "irq",
                                        "resource",
                                        "config",
                                        "current_link_speed",
                                        "max_link_width",
                                        "power_state",
                                        "reset_method",
                                        "driver_override",
                                        "boot_vga",
                                        "sriov_totalvfs",
                                        "sriov_numvfs"};
    struct path empty = add("0000:03:08.0"), folders = add("0000:03:09.0"), wild = add("0000:03:0a.0");
    struct path locked = add("0000:03:0b.0");
    put_good(empty);
    put_good(folders);
    put_good(wild);
    put_good(locked);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tree_write(in(empty, names[i]).text, MODE_CHANGE, "%s", "");
        tree_make_folder(in(folders, names[i]).text);
        put_garbage(wild, names[i]);
        tree_write(in(locked, names[i]).text, 0, "0\n");
    }
}

static void break_links(void)
{
    struct path away = add("0000:03:0c.0"), wild = add("0000:03:0d.0"), files = add("0000:03:0e.0");
    put_good(away);
    tree_link_raw(in(away, "driver").text, "../../../bus/pci/drivers/gone");
    tree_link_raw(in(away, "iommu_group").text, "../../../kernel/iommu_groups/99999");
    tree_link_raw(in(away, "physfn").text, "../0000:03:1f.7");
    put_good(wild);
    tree_link_raw(in(wild, "driver").text,
                  "../../../bus/pci/drivers/a-driver-with-a-name-that-is-longer-than-any-name-"
                  "that-a-kernel-module-can-have-in-linux");
    tree_link_raw(in(wild, "iommu_group").text, "../../../kernel/iommu_groups/12x");
    tree_link_raw(in(wild, "physfn").text, "../not-a-function");
    tree_link_raw(in(wild, "virtfn0").text, "virtfn0");
    tree_link_raw(in(wild, "virtfnX").text, "..");
    put_good(files);
    tree_write(in(files, "driver").text, MODE_CHANGE, "nvme\n");
    tree_write(in(files, "iommu_group").text, MODE_CHANGE, "7\n");
}

/* Entries of bus/pci/devices that are not functions. */
static void add_wrong_names(void)
{
    static const char *const names[] = {"not-an-id",      "0000:03:00",   "03:10.0",
                                        "0000:03:20.0",   "0000:03:10.8", "0000:03:10.0x",
                                        "00000:03:10.00", "0000:3:10.0",  "fffffffff:00:00.0"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_good(add(names[i]));
    tree_link_raw("sys/bus/pci/devices/0000:03:11.0", "../../../devices/pci0000:00/0000:03:11.0");
    tree_link_raw("sys/bus/pci/devices/0000:03:12.0", "0000:03:12.0");
    tree_write("sys/bus/pci/devices/0000:03:13.0", MODE_CHANGE, "a file\n");
}

static void break_groups(void)
{
    tree_make_folder("sys/kernel/iommu_groups/not-a-number");
    tree_make_folder("sys/kernel/iommu_groups/97"); /* nothing in it */
    put_garbage(path("sys/kernel/iommu_groups/98"), "type");
    put_garbage(path("sys/kernel/iommu_groups/98"), "reserved_regions");
    tree_link_raw("sys/kernel/iommu_groups/98/devices/not-an-id", "nowhere");
    tree_make_folder("sys/kernel/iommu_groups/99999999999999999999");
}

static void break_mediated_devices(const struct host *host)
{
    static const char gpu[] = "0000:01:00.0";
    struct path types = path("%s/mdev_supported_types", host_find(host, gpu).text);
    mdev_write_type(host, gpu, &(struct mdev_type){"good-type", "Good", "as it should be\n", 2});
    tree_make_folder(in(types, "empty-type").text);
    put_garbage(in(types, "wild-type"), "available_instances");
    put_garbage(in(types, "wild-type"), "name");
    put_garbage(in(types, "wild-type"), "description");
    tree_write(in(types, "minus-type/available_instances").text, MODE_READ, "-1\n");
    tree_write(in(types, "a-file").text, MODE_READ, "a file\n");
    tree_link_raw("sys/bus/mdev/devices/not-a-uuid", "nowhere");
    tree_link_raw("sys/bus/mdev/devices/11111111-2222-3333-4444-555555555555", "nowhere");
}

/* The rest of the host: slots, names, /proc. */
static void break_surroundings(void)
{
    tree_make_folder("sys/bus/pci/slots/empty");
    put_garbage(path("sys/bus/pci/slots/wild"), "address");
    tree_remove("usr/share/misc/pci.ids");
    tree_write(
        "usr/share/misc/pci.ids", MODE_CHANGE,
        "144d  Samsung Electronics Co Ltd\n\ta808  NVMe SSD Controller \xff\xfe\n\t\t\t\tthis is no name\n");
    tree_remove("proc/cpuinfo");
    tree_write("proc/cpuinfo", MODE_READ, "%s", "");
    tree_remove("proc/meminfo");
    tree_remove("proc/stat");
    put_garbage(path("proc"), "stat");
    tree_remove("proc/loadavg");
    tree_make_folder("proc/loadavg");
}

static void break_everything(const struct host *host, unsigned count)
{
    (void)count;
    break_modaliases();
    break_other_files();
    break_links();
    add_wrong_names();
    break_groups();
    break_mediated_devices(host);
    break_surroundings();
}

const struct host host_broken = {
    .name = "broken",
    .text = "a workstation with missing, unreadable, truncated and wild files on bus 03",
    .machine = WORKSTATION_MACHINE,
    FUNCTIONS(workstation_functions),
    .finish = break_everything,
};
