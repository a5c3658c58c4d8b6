/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's mediated devices. Sources: drivers/vfio/mdev/mdev_core.c and mdev_sysfs.c of the Linux
 * kernel. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

#define MDEVS       "sys/bus/mdev/devices"
#define TYPES       "/mdev_supported_types/"
#define GROUPS      "sys/kernel/iommu_groups"
#define FIRST_GROUP 500

/* With the folders above it, below the tree. */
static void make_folder(const char *folder)
{
    autofree char *path = xstrdup(kernel_path("%s", folder));

    for (char *slash = path + strlen(kernel_tree) + 1; slash != NULL;) {
        slash = strchr(slash, '/');
        if (slash != NULL)
            *slash = '\0';
        kernel_must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
        if (slash != NULL)
            *slash++ = '/';
    }
}

/* Below the tree and without links, as the kernel's links have it. */
static char *real_folder(const char *id)
{
    autofree char *real = realpath(kernel_path(KERNEL_DEVICES "/%s", id), NULL);

    kernel_must(real != NULL, id);
    return xstrdup(real + strlen(kernel_tree) + 1);
}

static unsigned read_number(const char *path)
{
    char text[32];

    kernel_read_text(path, text, sizeof(text));
    return (unsigned)strtoul(text, NULL, 10);
}

static void write_number(const char *path, unsigned number)
{
    char text[32];

    snprintf(text, sizeof(text), "%u\n", number);
    kernel_write_text(path, text);
}

void kernel_add_mdev_type(const char *id, const char *type, unsigned available)
{
    autofree char *folder = xasprintf(KERNEL_DEVICES "/%s" TYPES "%s", id, type);
    autofree char *devices = xasprintf("%s/devices", folder);

    make_folder(devices);
    make_folder(MDEVS);
    write_number(kernel_path("%s/available_instances", folder), available);
    kernel_write_text(kernel_path("%s/name", folder), "played\n");
    kernel_write_text(kernel_path("%s/device_api", folder), "vfio-pci\n");
    kernel_write_text(kernel_path("%s/create", folder), "");
}

const char *kernel_mdev(const char *uuid)
{
    static char type[KERNEL_NAME];

    kernel_read_link(kernel_path(MDEVS "/%s/mdev_type", uuid), type);
    return type;
}

unsigned kernel_mdevs_left(const char *id, const char *type)
{
    return read_number(kernel_path(KERNEL_DEVICES "/%s" TYPES "%s/available_instances", id, type));
}

static unsigned find_group(void)
{
    unsigned group = FIRST_GROUP;

    while (kernel_is_there(kernel_path(GROUPS "/%u", group)))
        group++;
    return group;
}

static bool is_uuid(const char *value)
{
    unsigned part[5];
    int length = 0;

    return strlen(value) == 36 &&
           sscanf(value, "%8x-%4x-%4x-%4x-%*4x%8x%n", &part[0], &part[1], &part[2], &part[3], &part[4],
                  &length) == 5 &&
           length == 36;
}

static void make_instance(const char *parent, const char *type, const char *uuid)
{
    autofree char *own = xasprintf("%s/%s", parent, uuid), *group = xasprintf(GROUPS "/%u", find_group());
    autofree char *types = xasprintf("%s" TYPES "%s", parent, type),
                  *members = xasprintf("%s/devices", group);

    make_folder(own);
    make_folder(members);
    kernel_write_text(kernel_path("%s/remove", own), "");
    kernel_write_text(kernel_path("%s/weight", own), "0\n");
    kernel_make_link(kernel_path("%s/mdev_type", own), types);
    kernel_make_link(kernel_path("%s/iommu_group", own), group);
    kernel_make_link(kernel_path("%s/%s", members, uuid), own);
    kernel_make_link(kernel_path("%s/devices/%s", types, uuid), own);
    kernel_make_link(kernel_path(MDEVS "/%s", uuid), own); /* last: then it is there */
}

static int create(const char *id, const char *type, const char *uuid)
{
    autofree char *left = xstrdup(kernel_path(KERNEL_DEVICES "/%s" TYPES "%s/available_instances", id, type));
    unsigned number;

    if (!kernel_is_there(left))
        return -ENOENT;
    if (!is_uuid(uuid))
        return -EINVAL;
    if (kernel_is_there(kernel_path(MDEVS "/%s", uuid)))
        return -EEXIST;
    number = read_number(left);
    if (number == 0)
        return -EUSERS;
    write_number(left, number - 1);
    autofree char *parent = real_folder(id);
    make_instance(parent, type, uuid);
    return 0;
}

void kernel_put_mdev(const char *id, const char *type, const char *uuid)
{
    kernel_must(create(id, type, uuid) == 0, uuid);
}

static int remove_instance(const char *uuid)
{
    autofree char *own = realpath(kernel_path(MDEVS "/%s", uuid), NULL);
    autofree char *type = own != NULL ? xasprintf("%s/mdev_type", own) : NULL;
    autofree char *types = own != NULL ? realpath(type, NULL) : NULL;
    char group[KERNEL_NAME];

    if (own == NULL || types == NULL)
        return -ENOENT;
    autofree char *link = xasprintf("%s/devices/%s", types, uuid);
    autofree char *left = xasprintf("%s/available_instances", types);
    kernel_read_link(kernel_path(MDEVS "/%s/iommu_group", uuid), group);
    unlink(kernel_path(MDEVS "/%s", uuid));
    unlink(link);
    if (group[0] != '\0')
        kernel_remove_folder(kernel_path(GROUPS "/%s", group));
    kernel_remove_folder(own);
    write_number(left, read_number(left) + 1);
    return 0;
}

/* PATH is MDEVS/UUID/FILE. */
static int write_instance(const char *path, const char *value)
{
    char uuid[KERNEL_NAME], file[KERNEL_NAME];

    if (sscanf(path, MDEVS "/%63[^/]/%63s", uuid, file) != 2)
        return 1;
    if (!kernel_is_there(kernel_path(MDEVS "/%s/%s", uuid, file)))
        return -ENOENT;
    if (strcmp(file, "weight") == 0)
        return value[0] >= '0' && value[0] <= '9' ? 1 : -EINVAL;
    if (strcmp(file, "remove") != 0)
        return -EACCES;
    return strcmp(value, "1") == 0 ? remove_instance(uuid) : -EINVAL;
}

int kernel_write_slice(const char *path, const char *value)
{
    char id[KERNEL_NAME], type[KERNEL_NAME], file[KERNEL_NAME];

    if (text_starts_with(path, MDEVS "/"))
        return write_instance(path, value);
    if (sscanf(path, KERNEL_DEVICES "/%63[^/]" TYPES "%63[^/]/%63s", id, type, file) == 3)
        return strcmp(file, "create") == 0 ? create(id, type, value) : 1;
    if (sscanf(path, KERNEL_DEVICES "/%63[^/]/nvidia/%63s", id, file) == 2)
        return strcmp(file, "current_vgpu_type") == 0 ? kernel_write_vgpu(id, value) : 1;
    return 1;
}
