/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups and units. */
#include "tests/hosts/parts.h"

#include <string.h>
#include <unistd.h>

static struct path unit_folder(const struct machine *machine, int node)
{
    return path("sys/devices/virtual/iommu/%s%d", machine->iommu, machine->nodes ? node : 0);
}

void iommu_write_units(const struct machine *machine)
{
    int units = !machine->iommu ? 0 : machine->nodes ? (int)machine->nodes : 1;
    bool intel = machine->iommu && strcmp(machine->iommu, "dmar") == 0;
    tree_make_folder("sys/class/iommu");
    tree_make_folder("sys/kernel/iommu_groups");
    for (int i = 0; i < units; i++) {
        struct path unit = unit_folder(machine, i);
        struct path details = path("%s/%s", unit.text, intel ? "intel-iommu" : "amd-iommu");
        tree_make_folder(path("%s/devices", unit.text).text);
        tree_write(path("%s/cap", details.text).text, MODE_READ, intel ? "d2008c40660462\n" : "0\n");
        tree_write(path("%s/%s", details.text, intel ? "ecap" : "features").text, MODE_READ, "f050da\n");
        tree_write(path("%s/uevent", unit.text).text, MODE_CHANGE, "%s", "");
        tree_link(path("%s/subsystem", unit.text).text, "sys/class/iommu");
        tree_link(path("sys/class/iommu/%s%d", machine->iommu, i).text, unit.text);
    }
}

static void write_group(const struct machine *machine, const struct pci_function *function, const char *group)
{
    if (!tree_make_folder(group))
        return;
    tree_make_folder(path("%s/devices", group).text);
    int fd = tree_open_folder(group);
    tree_put(fd, "type", MODE_CHANGE, "%s\n", machine->group_type);
    tree_put(fd, "reserved_regions", MODE_READ, "%s0x00000000fee00000 0x00000000feefffff msi\n",
             function->reserved ? function->reserved : "");
    close(fd);
}

void iommu_write_member(const struct machine *machine, const struct pci_function *function,
                        const char *folder)
{
    struct path group = path("sys/kernel/iommu_groups/%d", function->group);
    struct path unit = unit_folder(machine, function->node);
    write_group(machine, function, group.text);
    tree_link(path("%s/devices/%s", group.text, function->id).text, folder);
    tree_link(path("%s/iommu_group", folder).text, group.text);
    if (function->lean)
        return;
    tree_link(path("%s/devices/%s", unit.text, function->id).text, folder);
    tree_link(path("%s/iommu", folder).text, unit.text);
    if (function->driver && strcmp(function->driver, "vfio-pci") == 0 &&
        tree_make_folder(path("sys/devices/virtual/vfio/%d", function->group).text))
        tree_write(path("dev/vfio/%d", function->group).text, 0600, "%s", "");
}
