/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings compared with the hardware, which may have changed since they were written. */
#include <string.h>

#include "base/memory.h"
#include "passthrough/mapping/mapping.h"

void mapping_release_hardware(struct mapping_hardware *hardware)
{
    inventory_release(hardware->pci);
    json_decref(hardware->usb);
}

int mapping_check_entry(const struct mapping_kind *kind, const char *id, const json_t *entry,
                        const struct mapping_hardware *hardware, struct error *err)
{
    if (kind->check(id, entry, hardware, err) == 0)
        return 0;
    return error_prefix(err, "%s device mapping invalid (hardware probably changed): ", kind->name);
}

json_t *mapping_check(const struct mapping_kind *kind, const char *id, const json_t *body, const char *node,
                      const struct mapping_hardware *hardware)
{
    json_t *checks = json_array(), *entry;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(body, "map"), i, entry) {
        struct error err;
        if (strcmp(json_string_value(json_object_get(entry, "node")), node) != 0)
            continue;
        found = true;
        if (mapping_check_entry(kind, id, entry, hardware, &err) != 0)
            json_array_append_new(checks,
                                  json_pack("{s:s, s:s}", "severity", "error", "message", err.message));
    }
    if (!found) {
        autofree char *message = xasprintf("No mapping for node %s.", node);
        json_array_append_new(checks, json_pack("{s:s, s:s}", "severity", "warning", "message", message));
    }
    return checks;
}
