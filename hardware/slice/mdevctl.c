/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of mdevctl. */
#include "hardware/slice/mdevctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/pci/address.h"
#include "hardware/slice/mdev.h"

static char *path_of(const char *parent, const char *uuid)
{
    return xasprintf(ETC_MDEVCTL "/%s/%s", parent, uuid);
}

bool mdevctl_attribute_is_valid(const char *name)
{
    return name[0] != '\0' && name[0] != '/' && strlen(name) < 256 && strstr(name, "..") == NULL &&
           strchr(name, '\n') == NULL;
}

/* Each is an object of one string. */
static bool are_attributes(const json_t *list)
{
    const json_t *entry, *value;
    const char *name;
    size_t i;

    if (list == NULL)
        return true;
    json_array_foreach(list, i, entry) {
        if (json_object_size(entry) != 1)
            return false;
        json_object_foreach((json_t *)(uintptr_t)entry, name, value)
            if (!mdevctl_attribute_is_valid(name) || !json_is_string(value))
                return false;
    }
    return json_is_array(list);
}

static int check(const char *path, const char *text, struct error *err)
{
    json_error_t where;
    autojson json_t *object = json_loads(text, 0, &where);
    const char *type = json_text(object, "mdev_type");

    if (object == NULL)
        return error_set(err, ERROR_FAILED, "'/%s' is not JSON: line %d: %s; correct it, or delete it", path,
                         where.line, where.text);
    if (!mdev_type_is_valid(type))
        return error_set(
            err, ERROR_FAILED,
            "'/%s' has no mdev_type that could be the name of one ('%.100s'); correct it, or delete "
            "it",
            path, type);
    if (!are_attributes(json_object_get(object, "attrs")))
        return error_set(
            err, ERROR_FAILED,
            "attrs in '/%s' are not a list such as [{\"NAME\": \"VALUE\"}] of files of the mediated "
            "device; correct them, or delete the file",
            path);
    return 0;
}

int mdevctl_read(const struct sysroot *sysroot, const char *parent, const char *uuid, char **ret,
                 struct error *err)
{
    autofree char *path = path_of(parent, uuid);
    autofree unsigned char *bytes = NULL;
    int length = sysfs_read_binary(sysroot_fd(sysroot), path, MDEVCTL_FILE_LIMIT, &bytes);

    if (length < 0 && length != -ENOENT)
        return error_set_errno(err, -length, "cannot read '/%s'", path);
    autofree char *text = length >= 0 ? xstrndup((char *)bytes, (size_t)length) : NULL;
    if (text != NULL && check(path, text, err) != 0)
        return -1;
    *ret = TAKE(text);
    return 0;
}

/* With what somebody who was killed left beside it, and the folder if it was the last one. */
static int delete(const struct sysroot *sysroot, const char *path, const char *folder, struct error *err)
{
    autofree char *draft = xasprintf("%s" SYSFS_NEW, path);
    int result = sysfs_remove(sysroot_fd(sysroot), path);

    if (result < 0)
        return error_set_errno(err, -result, "cannot delete '/%s'", path);
    sysfs_remove(sysroot_fd(sysroot), draft);
    rmdir(folder);
    return 0;
}

int mdevctl_replace(const struct sysroot *sysroot, const char *parent, const char *uuid, const char *text,
                    struct error *err)
{
    autofree char *path = path_of(parent, uuid), *below = xasprintf(ETC_MDEVCTL "/%s", parent);
    autofree char *folder = sysroot_join(sysroot, below);

    if (text == NULL)
        return delete (sysroot, path, folder, err);
    if (strlen(text) > MDEVCTL_FILE_LIMIT)
        return error_set(err, ERROR_FAILED, "'/%s' would have more than %d bytes: shorten it by hand first",
                         path, MDEVCTL_FILE_LIMIT);
    if (file_make_folder(folder, 0755, err) != 0)
        return -1;
    int result = sysfs_replace(sysroot_fd(sysroot), path, text, 0644);
    return result == 0 ? 0 : error_set_errno(err, -result, "cannot write '/%s'", path);
}

char *mdevctl_compose(const char *former, const char *type)
{
    autojson json_t *object = former != NULL ? json_loads(former, 0, NULL) : json_object();

    json_object_set_new(object, "mdev_type", json_string(type));
    json_object_set_new(object, "start", json_string("auto"));
    if (json_object_get(object, "attrs") == NULL)
        json_object_set_new(object, "attrs", json_array());
    autofree char *text = json_dumps(object, JSON_INDENT(2));
    return xasprintf("%s\n", text);
}

char *mdevctl_type(const char *text)
{
    autojson json_t *object = json_loads(text, 0, NULL);

    return xstrdup(json_text(object, "mdev_type"));
}

json_t *mdevctl_attributes(const char *text)
{
    autojson json_t *object = json_loads(text, 0, NULL);
    json_t *list = json_object_get(object, "attrs");

    return list != NULL ? json_incref(list) : json_array();
}

static void add_file(const struct sysroot *sysroot, const char *parent, const char *name, json_t *list)
{
    autofree char *text = NULL;
    char uuid[UUID_SIZE];
    struct error err;

    /* a name in upper case is no name of the kernel's */
    if (!mdev_parse_uuid(name, uuid) || strcmp(name, uuid) != 0)
        return;
    json_t *row = json_pack("{s:s, s:s}", "parent", parent, "uuid", uuid);
    int result = mdevctl_read(sysroot, parent, uuid, &text, &err);
    if (result == 0 && text != NULL) {
        autojson json_t *object = json_loads(text, 0, NULL);
        json_object_set_new(row, "type", json_string(json_text(object, "mdev_type")));
        json_object_set_new(row, "start", json_string(json_text_or(object, "start", "manual")));
    } else {
        json_object_set_new(row, "error", json_string(result != 0 ? err.message : "it was deleted"));
    }
    json_array_append_new(list, row);
}

static void add_folder(const struct sysroot *sysroot, const char *parent, json_t *list)
{
    autofree char *folder = xasprintf(ETC_MDEVCTL "/%s", parent);
    autolist char **names = NULL;
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];

    if (!pci_address_parse(parent, &address))
        return;
    pci_address_format(address, id);
    if (strcmp(id, parent) != 0 || sysfs_list(sysroot_fd(sysroot), folder, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        add_file(sysroot, parent, *name, list);
}

int mdevctl_list(const struct sysroot *sysroot, json_t **ret, struct error *err)
{
    autojson json_t *list = json_array();
    autolist char **names = NULL;
    int result = sysfs_list(sysroot_fd(sysroot), ETC_MDEVCTL, &names);

    if (result < 0 && result != -ENOENT)
        return error_set_errno(err, -result, "cannot read /" ETC_MDEVCTL);
    for (char **name = names; name != NULL && *name != NULL; name++)
        add_folder(sysroot, *name, list);
    *ret = TAKE(list);
    return 0;
}
