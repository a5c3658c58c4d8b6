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

static bool is_uuid(const char *name)
{
    size_t i = 0;

    for (; name[i] != '\0'; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? name[i] != '-' : !isxdigit((unsigned char)name[i]))
            return false;
    }
    return i == 36;
}

/* Each entry is a link to ".../PARENT/UUID". Parents that are no PCI functions exist, too; false for these.
 */
static bool find_parent(int folder, const char *uuid, struct pci_address *ret)
{
    char target[PATH_MAX];

    if (sysfs_read_link(folder, uuid, target, sizeof(target)) < 0)
        return false;
    char *slash = strrchr(target, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    slash = strrchr(target, '/');
    return pci_address_parse(slash != NULL ? slash + 1 : target, ret);
}

/* NULL if it is being removed. */
static json_t *describe_instance(int folder, const char *uuid)
{
    char path[64], id[PCI_ADDRESS_SIZE], type[NAME_MAX + 1];
    struct pci_address parent;

    snprintf(path, sizeof(path), "%s/mdev_type", uuid);
    if (!find_parent(folder, uuid, &parent) || sysfs_read_link_name(folder, path, type, sizeof(type)) < 0)
        return NULL;
    pci_address_format(parent, id);
    return json_pack("{s:s, s:s, s:s}", "uuid", uuid, "parent", id, "type", type);
}

int mdev_list_instances(const struct sysroot *sysroot, json_t **ret, struct error *err)
{
    (void)err;
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_MDEV_DEVICES);
    autojson json_t *list = json_array();
    autolist char **names = NULL;

    if (folder >= 0)
        sysfs_list(folder, ".", &names);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        json_t *instance = is_uuid(*name) ? describe_instance(folder, *name) : NULL;
        if (instance != NULL)
            json_array_append_new(list, instance);
    }
    *ret = TAKE(list);
    return 0;
}
