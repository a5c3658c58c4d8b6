/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings compared with the hardware: has it changed since they were written? */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "passthrough/mapping.h"

/* Of an entry, what should be the same as the device's; "" where the device has none. */
struct expectation {
    char id[16];
    char subsystem[16];
    char group[16];
};

/* A path without a function means all of them and is compared with the first. */
static const struct pci_device *find_device(const struct inventory *inventory, const char *path)
{
    struct pci_address address;
    autofree char *whole = xasprintf("%s%s", path, strchr(path, '.') != NULL ? "" : ".0");

    return pci_address_parse(whole, &address) ? inventory_find(inventory, address) : NULL;
}

static struct expectation expect(const struct pci_device *device, bool first)
{
    struct expectation expected = {0};

    snprintf(expected.id, sizeof(expected.id), "%04x:%04x", device->vendor, device->device);
    if (device->subsystem_vendor != 0 || device->subsystem_device != 0)
        snprintf(expected.subsystem, sizeof(expected.subsystem), "%04x:%04x", device->subsystem_vendor,
                 device->subsystem_device);
    if (first && device->group >= 0)
        snprintf(expected.group, sizeof(expected.group), "%d", device->group);
    return expected;
}

static int compare(const char *mapping, const char *path, const char *property, const char *expected,
                   const char *configured, struct error *err)
{
    if (expected[0] == '\0' && configured == NULL)
        return 0;
    if (expected[0] == '\0')
        return error_set(err, ERROR_FAILED, "unexpected property '%s' for device '%s'", property, path);
    if (configured == NULL)
        return error_set(err, ERROR_FAILED, "missing expected property '%s' for device '%s'", property, path);
    if (strcasecmp(expected, configured) != 0)
        return error_set(err, ERROR_FAILED, "'%s' does not match for '%s' (%s != %s)", property, mapping,
                         expected, configured);
    return 0;
}

/* Clients write the subsystem of a device that has none as 0000:0000. */
static const char *configured_subsystem(const json_t *entry, const struct expectation *expected)
{
    const char *configured = json_string_value(json_object_get(entry, "subsystem-id"));

    if (expected->subsystem[0] == '\0' && configured != NULL && strcmp(configured, "0000:0000") == 0)
        return NULL;
    return configured;
}

static int check_path(const char *mapping, const json_t *entry, const char *path, bool first,
                      const struct inventory *inventory, struct error *err)
{
    const struct pci_device *device = find_device(inventory, path);
    const json_t *group = json_object_get(entry, "iommugroup");
    autofree char *configured_group = group != NULL ? json_dumps(group, JSON_ENCODE_ANY) : NULL;

    if (device == NULL)
        return error_set(err, ERROR_FAILED, "pci device '%s' not found", path);
    struct expectation expected = expect(device, first);
    if (compare(mapping, path, "id", expected.id, json_string_value(json_object_get(entry, "id")), err) !=
            0 ||
        compare(mapping, path, "subsystem-id", expected.subsystem, configured_subsystem(entry, &expected),
                err) != 0)
        return -1;
    /* the interface of Proxmox writes -1 for a device without a group */
    if (!first || (expected.group[0] == '\0' && json_integer_value(group) == -1))
        return 0;
    return compare(mapping, path, "iommugroup", expected.group, configured_group, err);
}

static int check_entry(const char *mapping, const json_t *entry, const struct inventory *inventory,
                       struct error *err)
{
    autofree char *paths = xstrdup(json_string_value(json_object_get(entry, "path")));
    char *rest = paths, *path;

    for (bool first = true; (path = strsep(&rest, ";")) != NULL; first = false)
        if (check_path(mapping, entry, path, first, inventory, err) != 0)
            return -1;
    return 0;
}

static void add_check(json_t *checks, const char *severity, const char *message)
{
    json_array_append_new(checks, json_pack("{s:s, s:s}", "severity", severity, "message", message));
}

json_t *mapping_check(const char *id, const json_t *body, const char *node, const struct inventory *inventory)
{
    json_t *checks = json_array(), *entry;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(body, "map"), i, entry) {
        struct error err;
        if (strcmp(json_string_value(json_object_get(entry, "node")), node) != 0)
            continue;
        found = true;
        if (check_entry(id, entry, inventory, &err) != 0) {
            error_prefix(&err, "PCI device mapping invalid (hardware probably changed): ");
            add_check(checks, "error", err.message);
        }
    }
    if (!found) {
        autofree char *message = xasprintf("No mapping for node %s.", node);
        add_check(checks, "warning", message);
    }
    return checks;
}
