/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of USB devices: how an entry is compared with a device. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/usb.h"
#include "passthrough/mapping/mapping.h"

const struct schema mapping_usb_entry = {
    .type = SCHEMA_STRING,
    .max_length = 8192,
    .property_string =
        PROPERTIES({.name = "node",
                    .type = SCHEMA_STRING,
                    .format = "pve-node",
                    .text = "The node that has the device."},
                   {.name = "id",
                    .type = SCHEMA_STRING,
                    .pattern = "[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}",
                    .text = "Vendor and product id."},
                   {.name = "path",
                    .type = SCHEMA_STRING,
                    .optional = true,
                    .pattern = "[0-9]+-[0-9]+(?:\\.[0-9]+)*",
                    .text = "Bus and ports, 1-4.2; without it any device with that id."},
                   {.name = "description", .type = SCHEMA_STRING, .optional = true, .max_length = 4096}),
};

static void describe(const json_t *device, struct text *id, struct text *path)
{
    const char *ports = json_string_value(json_object_get(device, "usbpath"));

    text_printf(id, "%s:%s", json_string_value(json_object_get(device, "vendid")),
                json_string_value(json_object_get(device, "prodid")));
    if (ports != NULL)
        text_printf(path, "%lld-%s", (long long)json_integer_value(json_object_get(device, "busnum")), ports);
}

/* The id of the device at the path; without a path, of the first device that has the wanted id. */
static bool find_id(const json_t *devices, const char *wanted_id, const char *wanted_path, struct text *ret)
{
    json_t *device;
    size_t i;

    json_array_foreach(devices, i, device) {
        autotext struct text id = {0}, path = {0};
        describe(device, &id, &path);
        bool found = wanted_path != NULL ? strcmp(text_string(&path), wanted_path) == 0
                                         : strcasecmp(text_string(&id), wanted_id) == 0;
        if (found) {
            text_append(ret, text_string(&id));
            return true;
        }
    }
    return false;
}

static int check_usb(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                     struct error *err)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const char *path = json_string_value(json_object_get(entry, "path"));
    autotext struct text found = {0};

    if (!find_id(hardware->usb, id, path, &found))
        return error_set(err, ERROR_FAILED, "usb device '%s' not found", path != NULL ? path : id);
    if (strcasecmp(text_string(&found), id) != 0)
        return error_set(err, ERROR_FAILED, "'id' does not match for '%s' (%s != %s)", mapping,
                         text_string(&found), id);
    return 0;
}

static int read_usb(const struct sysroot *sysroot, struct inventory_source *inventory,
                    struct mapping_hardware *ret, struct error *err)
{
    (void)inventory;
    return usb_list(sysroot, &ret->usb, err);
}

const struct mapping_kind mapping_usb = {
    .type = "usb",
    .document = "mapping-usb",
    .name = "USB",
    .entry = &mapping_usb_entry,
    .settings = (const char *const[]){"description", NULL},
    .read_hardware = read_usb,
    .check = check_usb,
};
