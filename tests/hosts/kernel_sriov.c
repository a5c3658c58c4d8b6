/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's virtual functions: what a write to sriov_numvfs does. Source: drivers/pci/iov.c of the
 * Linux kernel. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

static unsigned read_number(const char *id, const char *name, int base)
{
    char text[16];

    kernel_read_text(kernel_function_file(id, name), text, sizeof(text));
    return (unsigned)strtoul(text, NULL, base);
}

unsigned kernel_vfs(const char *id)
{
    return read_number(id, "sriov_numvfs", 10);
}

bool kernel_autoprobe(const char *id)
{
    return read_number(id, "sriov_drivers_autoprobe", 10) != 0;
}

/* pci_device_can_probe() */
bool kernel_may_probe(const char *id)
{
    char physical[KERNEL_NAME];

    kernel_read_link(kernel_function_file(id, "physfn"), physical);
    return physical[0] == '\0' || kernel_autoprobe(physical) || kernel_override(id)[0] != '\0';
}

static void locate(const struct kernel_function *physical, unsigned index, char id[static 24])
{
    unsigned domain, bus, device, function;

    kernel_must(sscanf(physical->id, "%x:%x:%x.%x", &domain, &bus, &device, &function) == 4, physical->id);
    unsigned at = (bus << 8 | device << 3 | function) + read_number(physical->id, "sriov_offset", 10) +
                  index * read_number(physical->id, "sriov_stride", 10);
    snprintf(id, 24, "%04x:%02x:%02x.%x", domain & 0xffff, at >> 8 & 0xff, at >> 3 & 0x1f, at & 7);
}

/* From the physical function's own: the ids, but with another device. */
static void write_identity(const char *physical, const char *id)
{
    unsigned device = read_number(physical, "sriov_vf_device", 16);
    unsigned vendor, own, subsystem_vendor, subsystem_device;
    char alias[256], class_text[64];

    kernel_read_text(kernel_function_file(physical, "modalias"), alias, sizeof(alias));
    kernel_must(sscanf(alias, "pci:v%8Xd%8Xsv%8Xsd%8X%63s", &vendor, &own, &subsystem_vendor,
                       &subsystem_device, class_text) == 5,
                alias);
    autofree char *new_alias = xasprintf("pci:v%08Xd%08Xsv%08Xsd%08X%s\n", vendor, device, subsystem_vendor,
                                         subsystem_device, class_text);
    kernel_read_text(kernel_function_file(physical, "class"), class_text, sizeof(class_text));
    autofree char *uevent =
        xasprintf("PCI_CLASS=%lX\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n",
                  strtoul(class_text, NULL, 16), vendor, device, subsystem_vendor, subsystem_device, id);
    autofree char *vendor_text = xasprintf("0x%04x\n", vendor), *device_text = xasprintf("0x%04x\n", device);
    kernel_write_text(kernel_function_file(id, "class"), class_text);
    kernel_write_text(kernel_function_file(id, "modalias"), new_alias);
    kernel_write_text(kernel_function_file(id, "uevent"), uevent);
    kernel_write_text(kernel_function_file(id, "vendor"), vendor_text);
    kernel_write_text(kernel_function_file(id, "device"), device_text);
    kernel_write_text(kernel_function_file(id, "driver_override"), "(null)\n");
}

/* In a tree of make-host the bus has links to the functions' folders, which lie side by side. */
static void make_folder(const char *physical, const char *id)
{
    autofree char *link = xstrdup(kernel_path(KERNEL_DEVICES "/%s", id));
    autofree char *beside = realpath(kernel_path(KERNEL_DEVICES "/%s", physical), NULL);

    kernel_must(beside != NULL, physical);
    autofree char *folder = xasprintf("%s/%s", dirname(beside), id);
    kernel_must(mkdir(folder, 0755) == 0, folder);
    if (strcmp(folder, link) != 0)
        kernel_make_link(link, folder + strlen(kernel_tree) + 1);
}

static void join_group(const struct kernel_function *physical, unsigned index, const char *id)
{
    if (!kernel_is_there(kernel_function_file(physical->id, "iommu_group")))
        return;
    autofree char *group = xasprintf("sys/kernel/iommu_groups/%u", physical->vfs.group + index);
    mkdir(kernel_path("sys/kernel"), 0755);
    mkdir(kernel_path("sys/kernel/iommu_groups"), 0755);
    mkdir(kernel_path("%s", group), 0755);
    mkdir(kernel_path("%s/devices", group), 0755);
    autofree char *member = xasprintf("%s/devices/%s", kernel_path("%s", group), id);
    autofree char *folder = xasprintf(KERNEL_DEVICES "/%s", id);
    kernel_make_link(member, folder);
    kernel_make_link(kernel_function_file(id, "iommu_group"), group);
}

static void add(const struct kernel_function *physical, unsigned index)
{
    char id[24];

    locate(physical, index, id);
    make_folder(physical->id, id);
    write_identity(physical->id, id);
    join_group(physical, index, id);
    autofree char *own = xasprintf(KERNEL_DEVICES "/%s", id);
    autofree char *parent = xasprintf(KERNEL_DEVICES "/%s", physical->id);
    autofree char *link = xasprintf("%s/virtfn%u", kernel_path("%s", parent), index);
    kernel_make_link(kernel_function_file(id, "physfn"), parent);
    kernel_make_link(link, own);
    struct kernel_function *function = kernel_enter(id);
    snprintf(function->choice, sizeof(function->choice), "%s", physical->vfs.driver);
    kernel_probe(function);
}

static void remove_one(const struct kernel_function *physical, unsigned index)
{
    char id[24];

    locate(physical, index, id);
    unlink(kernel_path(KERNEL_DEVICES "/%s/virtfn%u", physical->id, index));
    if (kernel_is_there(kernel_path(KERNEL_DEVICES "/%s", id)))
        kernel_remove(id);
}

/* What numvfs_store() and a driver's sriov_configure() refuse. */
static int check(const struct kernel_function *physical, unsigned long now, unsigned long count)
{
    char driver[KERNEL_NAME], enabled[8];

    if (count > read_number(physical->id, "sriov_totalvfs", 10))
        return -ERANGE;
    if (count == now)
        return 0;
    snprintf(driver, sizeof(driver), "%s", kernel_driver(physical->id));
    kernel_read_text(kernel_path("sys/module/vfio_pci/parameters/enable_sriov"), enabled, sizeof(enabled));
    if (driver[0] == '\0' || (kernel_is_vfio(driver) && enabled[0] != 'Y'))
        return -ENOENT;
    if (now > 0 && count > 0)
        return -EBUSY;
    if (physical->vfs.error != 0 && count > physical->vfs.most)
        return -physical->vfs.error;
    return 0;
}

int kernel_write_count(struct kernel_function *physical, const char *value)
{
    char *end, text[16];
    unsigned long count = strtoul(value, &end, 10), now = kernel_vfs(physical->id);

    if (*value == '\0' || *end != '\0' || count > 65535)
        return -EINVAL;
    int result = check(physical, now, count);
    if (result != 0 || count == now)
        return result;
    for (unsigned i = 0; i < count; i++)
        add(physical, i);
    for (unsigned i = 0; count == 0 && i < now; i++)
        remove_one(physical, i);
    snprintf(text, sizeof(text), "%lu\n", count);
    kernel_write_text(kernel_function_file(physical->id, "sriov_numvfs"), text);
    return 0;
}

void kernel_add_sriov(const char *id, const struct kernel_sriov *sriov)
{
    const struct {
        const char *name;
        unsigned value;
        bool hexadecimal;
    } files[] = {{"sriov_totalvfs", sriov->total, false},  {"sriov_numvfs", 0, false},
                 {"sriov_offset", sriov->offset, false},   {"sriov_stride", sriov->stride, false},
                 {"sriov_vf_device", sriov->device, true}, {"sriov_drivers_autoprobe", 1, false}};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char text[16];
        snprintf(text, sizeof(text), files[i].hexadecimal ? "%x\n" : "%u\n", files[i].value);
        kernel_write_text(kernel_function_file(id, files[i].name), text);
    }
    kernel_add_driver(sriov->driver);
    kernel_set_vf_driver(id, sriov->driver, sriov->group);
}
