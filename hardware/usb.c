/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's USB devices, read from sysfs. */
#include "hardware/usb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

#define MOST     4096 /* devices */
#define CODE_MAX 0xffff

/* Attributes that are copied as they are. */
static const struct {
    const char *file, *key;
    bool optional;
} texts[] = {
    {"idVendor", "vendid", false},          {"idProduct", "prodid", false}, {"speed", "speed", false},
    {"manufacturer", "manufacturer", true}, {"product", "product", true},   {"serial", "serial", true},
};

static bool add_texts(int folder, json_t *device)
{
    char text[256];

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (sysfs_read(folder, texts[i].file, text, sizeof(text)) > 0)
            json_object_set_new(device, texts[i].key, json_string(text_trim(text)));
        else if (!texts[i].optional)
            return false;
    }
    return true;
}

static bool add_number(int folder, const char *file, int base, const char *key, json_t *device)
{
    unsigned long long number;
    char text[16];

    if (sysfs_read(folder, file, text, sizeof(text)) <= 0 ||
        !text_to_number(text_trim(text), base, CODE_MAX, &number))
        return false;
    json_object_set_new(device, key, json_integer((json_int_t)number));
    return true;
}

/* devpath is "0" for a root hub, and "4.1" for a device on port 1 of the hub on the root hub's port 4. */
static bool add_ports(int folder, json_t *device)
{
    unsigned long long port = 0;
    char path[64];
    int level = 0;

    if (sysfs_read(folder, "devpath", path, sizeof(path)) <= 0)
        return false;
    if (strcmp(path, "0") != 0) {
        const char *last = strrchr(path, '.');
        if (!text_to_number(last != NULL ? last + 1 : path, 10, CODE_MAX, &port) || port == 0)
            return false;
        port--;
        level = 1;
        for (const char *dot = path; (dot = strchr(dot, '.')) != NULL; dot++)
            level++;
        json_object_set_new(device, "usbpath", json_string(path));
    }
    json_object_set_new(device, "level", json_integer(level));
    json_object_set_new(device, "port", json_integer((json_int_t)port));
    return true;
}

/* NULL if files are missing, since then the device is being unplugged. */
static json_t *describe(int devices, const char *name)
{
    autoclose int folder = sysfs_open_folder(devices, name);
    autojson json_t *device = json_object();

    if (folder < 0 || !add_number(folder, "busnum", 10, "busnum", device) ||
        !add_number(folder, "devnum", 10, "devnum", device) ||
        !add_number(folder, "bDeviceClass", 16, "class", device) || !add_ports(folder, device) ||
        !add_texts(folder, device))
        return NULL;
    return TAKE(device);
}

static int compare(const void *a, const void *b)
{
    static const char *const keys[] = {"busnum", "devnum"};
    json_int_t difference = 0;

    for (size_t i = 0; i < COUNT_OF(keys) && difference == 0; i++)
        difference = json_integer_value(json_object_get(*(json_t *const *)a, keys[i])) -
                     json_integer_value(json_object_get(*(json_t *const *)b, keys[i]));
    return (difference > 0) - (difference < 0);
}

/* A host without USB does not have the folder. Names with a colon are interfaces of devices. */
int usb_list(const struct sysroot *sysroot, json_t **ret, struct error *err)
{
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_USB_DEVICES);
    autolist char **names = NULL;
    json_t *found[MOST];
    size_t count = 0;

    int status = folder < 0 ? folder : sysfs_list(folder, ".", &names);
    if (status < 0 && status != -ENOENT)
        return error_set_errno(err, -status, "cannot read /%s", SYS_USB_DEVICES);
    for (char **name = names; name != NULL && *name != NULL && count < MOST; name++) {
        json_t *device = strchr(*name, ':') == NULL ? describe(folder, *name) : NULL;
        if (device != NULL)
            found[count++] = device;
    }
    qsort(found, count, sizeof(found[0]), compare);
    *ret = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(*ret, found[i]);
    return 0;
}
