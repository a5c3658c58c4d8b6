/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: the types that a function can create, and the instances that exist. */
#include "hardware/slice/mdev.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/slice/nvidia.h"

/* NULL if the folder does not say how many can be created: then it is no type, or is being removed. */
static json_t *describe_type(int types, const char *name)
{
    autoclose int folder = sysfs_open_folder(types, name);
    char text[1024];
    long long available;

    if (folder < 0 || sysfs_read_number(folder, "available_instances", &available) < 0 || available < 0)
        return NULL;
    autojson json_t *type = json_pack("{s:s, s:I}", "type", name, "available", (json_int_t)available);
    if (sysfs_read(folder, "name", text, sizeof(text)) > 0)
        json_object_set_new(type, "name", json_string(text));
    bool described = sysfs_read(folder, "description", text, sizeof(text)) > 0;
    json_object_set_new(type, "description", json_string(described ? text : ""));
    return TAKE(type);
}

int mdev_list_types(const struct sysroot *sysroot, struct pci_address parent, json_t **ret, struct error *err)
{
    (void)err;
    autoclose int folder = pci_open_folder(sysroot, parent);
    autoclose int types = folder < 0 ? -1 : sysfs_open_folder(folder, "mdev_supported_types");
    autojson json_t *list = json_array();
    autolist char **names = NULL;

    if (types >= 0 && sysfs_list(types, ".", &names) >= 0)
        for (char **name = names; *name != NULL; name++) {
            json_t *type = describe_type(types, *name);
            if (type != NULL)
                json_array_append_new(list, type);
        }
    else if (folder >= 0)
        nvidia_list_types(folder, list);
    *ret = TAKE(list);
    return 0;
}

bool mdev_parse_uuid(const char *text, char ret[static UUID_SIZE])
{
    char uuid[UUID_SIZE] = "";
    size_t i = 0;

    for (; text[i] != '\0'; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (i == UUID_SIZE - 1 || (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])))
            return false;
        uuid[i] = (char)tolower((unsigned char)text[i]);
    }
    memcpy(ret, uuid, sizeof(uuid));
    return i == UUID_SIZE - 1;
}

bool mdev_type_is_valid(const char *name)
{
    size_t length = 0;

    for (; name[length] != '\0'; length++)
        if (!isascii(name[length]) || (!isalnum((unsigned char)name[length]) && name[length] != '_' &&
                                       (length == 0 || strchr("-+.", name[length]) == NULL)))
            return false;
    return length > 0 && length < MDEV_TYPE_SIZE;
}

/* The entry is a link to ".../PARENT/UUID". Parents that are no PCI functions exist, too. */
static int read_parent(int folder, const char *uuid, char parent[static PCI_ADDRESS_SIZE])
{
    char target[PATH_MAX];
    struct pci_address address;
    int result = sysfs_read_link(folder, uuid, target, sizeof(target));

    if (result < 0)
        return result;
    char *slash = strrchr(target, '/');
    if (slash != NULL)
        *slash = '\0';
    const char *name = slash != NULL ? strrchr(target, '/') : NULL;
    parent[0] = '\0';
    if (pci_address_parse(name != NULL ? name + 1 : target, &address))
        pci_address_format(address, parent);
    return 0;
}

static int read_place(int folder, const char *uuid, struct mdev_place *ret)
{
    struct mdev_place place = {.parent = ""};
    char path[64];
    int result = read_parent(folder, uuid, place.parent);

    snprintf(path, sizeof(path), "%s/mdev_type", uuid);
    if (result >= 0)
        result = sysfs_read_link_name(folder, path, place.type, sizeof(place.type));
    if (result < 0)
        return result;
    *ret = place;
    return 0;
}

int mdev_read_place(const struct sysroot *sysroot, const char *uuid, struct mdev_place *ret)
{
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_MDEV_DEVICES);

    return folder < 0 ? folder : read_place(folder, uuid, ret);
}

/* NULL if it is being removed, or its parent is no PCI function. */
static json_t *describe_instance(int folder, const char *name)
{
    char uuid[UUID_SIZE];
    struct mdev_place place;

    if (!mdev_parse_uuid(name, uuid) || read_place(folder, name, &place) < 0 || place.parent[0] == '\0')
        return NULL;
    return json_pack("{s:s, s:s, s:s}", "uuid", uuid, "parent", place.parent, "type", place.type);
}

/* NULL if it is no vGPU now. */
static json_t *describe_vgpu(const struct sysroot *sysroot, const struct pci_device *function)
{
    char id[PCI_ADDRESS_SIZE], type[NVIDIA_TYPE_SIZE];

    if (!function->nvidia || nvidia_read_type(sysroot, function->address, type) < 0 || type[0] == '\0')
        return NULL;
    pci_address_format(function->address, id);
    return json_pack("{s:s, s:s}", "parent", id, "type", type);
}

static void append(json_t *list, json_t *instance)
{
    if (instance != NULL)
        json_array_append_new(list, instance);
}

int mdev_list_instances(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                        struct error *err)
{
    (void)err;
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_MDEV_DEVICES);
    autojson json_t *list = json_array();
    autolist char **names = NULL;

    if (folder >= 0)
        sysfs_list(folder, ".", &names);
    for (char **name = names; name != NULL && *name != NULL; name++)
        append(list, describe_instance(folder, *name));
    for (size_t i = 0; i < inventory->count; i++)
        append(list, describe_vgpu(sysroot, &inventory->devices[i]));
    *ret = TAKE(list);
    return 0;
}
