/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of USB devices: how an entry is compared with a device. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/usb.h"
#include "passthrough/mapping/parts.h"

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

/* Gives the id of the device at the wanted path, and the paths of all devices with the wanted id. */
static void find(const json_t *devices, const char *wanted_id, const char *wanted_path, struct text *ret_id,
                 struct places *ret_places)
{
    json_t *device;
    size_t i;

    json_array_foreach(devices, i, device) {
        autotext struct text id = {0}, path = {0};
        describe(device, &id, &path);
        if (wanted_path != NULL && strcmp(text_string(&path), wanted_path) == 0)
            text_append(ret_id, text_string(&id));
        if (strcasecmp(text_string(&id), wanted_id) == 0)
            places_add(ret_places, text_string(&path));
    }
}

static void compare_usb(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                        json_t *differences)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const char *path = json_string_value(json_object_get(entry, "path"));
    autotext struct text found = {0};
    autoplaces struct places places = {0};

    find(hardware->usb, id, path, &found, &places);
    autofree char *elsewhere = places_describe(&places, id);
    if (path == NULL && places.count == 0)
        mapping_add_difference(differences, "usb device '%s' not found", id);
    else if (path != NULL && found.length == 0)
        mapping_add_difference(differences, "usb device '%s' not found%s", path, elsewhere);
    else if (path != NULL && strcasecmp(text_string(&found), id) != 0)
        mapping_add_difference(differences, "'id' does not match for '%s' (%s != %s)%s", mapping,
                               text_string(&found), id, elsewhere);
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
    .compare = compare_usb,
};
