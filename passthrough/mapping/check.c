/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings compared with the hardware, which may have changed since they were written. */
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "passthrough/mapping/parts.h"

#define MOST_PLACES 4 /* that are listed */

void mapping_release_hardware(struct mapping_hardware *hardware)
{
    inventory_release(hardware->pci);
    json_decref(hardware->usb);
}

void mapping_add_difference(json_t *differences, const char *format, ...)
{
    va_list arguments;
    autofree char *text = NULL;

    va_start(arguments, format);
    text = xvasprintf(format, arguments);
    va_end(arguments);
    json_array_append_new(differences, json_string(text));
}

void places_add(struct places *places, const char *place)
{
    if (places->count < MOST_PLACES)
        text_printf(&places->list, "%s%s", places->count > 0 ? ", " : "", place);
    places->count++;
}

char *places_describe(const struct places *places, const char *id)
{
    if (places->count == 0)
        return xstrdup("");
    if (places->count == 1)
        return xasprintf(", but a device %s is at %s", id, text_string(&places->list));
    return xasprintf(", but %zu devices %s are at %s%s", places->count, id, text_string(&places->list),
                     places->count > MOST_PLACES ? " and others" : "");
}

void places_release(struct places *places)
{
    text_release(&places->list);
}

#define INVALID "%s device mapping invalid (hardware probably changed): %s"

int mapping_check_entry(const struct mapping_kind *kind, const char *id, const json_t *entry,
                        const struct mapping_hardware *hardware, struct error *err)
{
    autojson json_t *differences = json_array();
    autotext struct text all = {0};
    const json_t *difference;
    size_t i;

    kind->compare(id, entry, hardware, differences);
    if (json_array_size(differences) == 0)
        return 0;
    json_array_foreach(differences, i, difference)
        text_printf(&all, "%s%s", i > 0 ? "; " : "", json_string_value(difference));
    return error_set(err, ERROR_FAILED, INVALID, kind->name, text_string(&all));
}

json_t *mapping_check(const struct mapping_kind *kind, const char *id, const json_t *body, const char *node,
                      const struct mapping_hardware *hardware)
{
    autojson json_t *differences = json_array();
    json_t *checks = json_array(), *entry, *difference;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(body, "map"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "node")), node) != 0)
            continue;
        found = true;
        kind->compare(id, entry, hardware, differences);
    }
    json_array_foreach(differences, i, difference) {
        autofree char *message = xasprintf(INVALID, kind->name, json_string_value(difference));
        json_array_append_new(checks, json_pack("{s:s, s:s}", "severity", "error", "message", message));
    }
    if (!found) {
        autofree char *message = xasprintf("No mapping for node %s.", node);
        json_array_append_new(checks, json_pack("{s:s, s:s}", "severity", "warning", "message", message));
    }
    return checks;
}
