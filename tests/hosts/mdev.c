/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: types and instances. Source: Documentation/driver-api/vfio-mediated-device.rst of the
 * kernel. */
#include "tests/hosts/parts.h"

#include <unistd.h>

static struct path type_folder(const struct host *host, const char *parent, const char *type)
{
    return path("%s/mdev_supported_types/%s", host_find(host, parent).text, type);
}

void mdev_write_type(const struct host *host, const char *parent, const struct mdev_type *type)
{
    struct path folder = type_folder(host, parent, type->type);
    int fd = tree_open_folder(folder.text);
    if (type->name)
        tree_put(fd, "name", MODE_READ, "%s\n", type->name);
    tree_put(fd, "description", MODE_READ, "%s", type->description);
    tree_put(fd, "available_instances", MODE_READ, "%u\n", type->available);
    tree_put(fd, "device_api", MODE_READ, "vfio-pci\n");
    tree_put(fd, "create", MODE_WRITE, "%s", "");
    close(fd);
    tree_make_folder(path("%s/devices", folder.text).text);
    tree_make_folder("sys/bus/mdev/devices");
}

void mdev_write_instance(const struct host *host, const char *parent, const char *type, const char *uuid,
                         int group)
{
    struct path types = type_folder(host, parent, type);
    struct path own = path("%s/%s", host_find(host, parent).text, uuid);
    struct path group_folder = path("sys/kernel/iommu_groups/%d", group);
    int fd = tree_open_folder(own.text);
    tree_put(fd, "remove", MODE_WRITE, "%s", "");
    tree_put(fd, "uevent", MODE_CHANGE, "DRIVER=vfio_mdev\n");
    close(fd);
    tree_link(path("%s/mdev_type", own.text).text, types.text);
    tree_link(path("%s/subsystem", own.text).text, "sys/bus/mdev");
    tree_link(path("%s/driver", own.text).text, "sys/bus/mdev/drivers/vfio_mdev");
    tree_link(path("%s/iommu_group", own.text).text, group_folder.text);
    tree_link(path("sys/bus/mdev/drivers/vfio_mdev/%s", uuid).text, own.text);
    tree_link(path("sys/bus/mdev/devices/%s", uuid).text, own.text);
    tree_link(path("%s/devices/%s", types.text, uuid).text, own.text);
    tree_link(path("%s/devices/%s", group_folder.text, uuid).text, own.text);
    tree_write(path("%s/type", group_folder.text).text, MODE_CHANGE, "unknown\n");
    tree_write(path("%s/reserved_regions", group_folder.text).text, MODE_READ, "%s", "");
}
