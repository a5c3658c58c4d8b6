/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of PCI devices: how an entry is compared with a device and made from one. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "passthrough/mapping/mapping.h"
#include "storage/edit.h"

#define ID_PATTERN   "[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}"
#define ONE_PATH     "[a-f0-9]{4,8}:[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?"
#define PATH_PATTERN "(?:" ONE_PATH ";)*" ONE_PATH

const struct schema mapping_pci_entry = {
    .type = SCHEMA_STRING,
    .max_length = 8192,
    .property_string = PROPERTIES(
        {.name = "node",
         .type = SCHEMA_STRING,
         .format = "pve-node",
         .text = "The node that has the device."},
        {.name = "path",
         .type = SCHEMA_STRING,
         .pattern = PATH_PATTERN,
         .text =
             "PCI id with domain; without a function: all functions; several (one guest device) with ';'."},
        {.name = "id", .type = SCHEMA_STRING, .pattern = ID_PATTERN, .text = "Vendor and device id."},
        {.name = "subsystem-id",
         .type = SCHEMA_STRING,
         .optional = true,
         .pattern = ID_PATTERN,
         .text = "Subsystem vendor and device id."},
        {.name = "iommugroup",
         .type = SCHEMA_INTEGER,
         .optional = true,
         .text = "IOMMU group of the device."},
        {.name = "description", .type = SCHEMA_STRING, .optional = true, .max_length = 4096}),
};

int mapping_list_paths(struct storage *storage, const char *id, const char *node, json_t **ret,
                       struct error *err)
{
    autojson json_t *body = NULL, *paths = json_array();
    json_t *entry;
    size_t i;

    if (object_read(storage, mapping_pci.document, id, &body, NULL, err) != 0 && err->kind != ERROR_NOT_FOUND)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "node")), node) == 0)
            json_array_append(paths, json_object_get(entry, "path"));
    *ret = TAKE(paths);
    return 0;
}

/* What an entry for a device must say; "" for what the device does not have. */
struct expectation {
    char id[16];
    char subsystem[16];
    char group[16];
};

/* A path without a function means all functions of the device; function 0 is compared. */
static const struct pci_device *find_device(const struct inventory *inventory, const char *path)
{
    struct pci_address address;
    autofree char *whole = xasprintf("%s%s", path, strchr(path, '.') != NULL ? "" : ".0");

    return pci_address_parse(whole, &address) ? inventory_find(inventory, address) : NULL;
}

static struct expectation expect(const struct pci_device *device)
{
    struct expectation expected = {0};

    snprintf(expected.id, sizeof(expected.id), "%04x:%04x", device->vendor, device->device);
    if (device->subsystem_vendor != 0 || device->subsystem_device != 0)
        snprintf(expected.subsystem, sizeof(expected.subsystem), "%04x:%04x", device->subsystem_vendor,
                 device->subsystem_device);
    if (device->group >= 0)
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

/* If a device has no subsystem id, clients write 0000:0000. */
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
    struct expectation expected = expect(device);
    if (compare(mapping, path, "id", expected.id, json_string_value(json_object_get(entry, "id")), err) !=
            0 ||
        compare(mapping, path, "subsystem-id", expected.subsystem, configured_subsystem(entry, &expected),
                err) != 0)
        return -1;
    /* Proxmox's web interface writes -1 for a device without a group */
    if (!first || (expected.group[0] == '\0' && json_integer_value(group) == -1))
        return 0;
    return compare(mapping, path, "iommugroup", expected.group, configured_group, err);
}

static int check_pci(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                     struct error *err)
{
    autofree char *paths = xstrdup(json_string_value(json_object_get(entry, "path")));
    char *rest = paths, *path;

    for (bool first = true; (path = strsep(&rest, ";")) != NULL; first = false)
        if (check_path(mapping, entry, path, first, hardware->pci, err) != 0)
            return -1;
    return 0;
}

static int read_pci(const struct sysroot *sysroot, struct inventory_source *inventory,
                    struct mapping_hardware *ret, struct error *err)
{
    (void)sysroot;
    return inventory_source_get(inventory, &ret->pci, err);
}

const struct mapping_kind mapping_pci = {
    .type = "pci",
    .document = "mapping-pci",
    .name = "PCI",
    .entry = &mapping_pci_entry,
    .settings = (const char *const[]){"description", "mdev", "live-migration-capable", NULL},
    .read_hardware = read_pci,
    .check = check_pci,
};

static json_t *make_entry(const char *node, const struct pci_device *device)
{
    struct expectation expected = expect(device);
    char path[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, path);
    json_t *entry = json_pack("{s:s, s:s, s:s}", "node", node, "path", path, "id", expected.id);
    if (expected.subsystem[0] != '\0')
        json_object_set_new(entry, "subsystem-id", json_string(expected.subsystem));
    if (device->group >= 0)
        json_object_set_new(entry, "iommugroup", json_integer(device->group));
    return entry;
}

static bool names_device(const json_t *map, const json_t *wanted)
{
    json_t *entry;
    size_t i;

    json_array_foreach(map, i, entry)
        if (json_equal(json_object_get(entry, "node"), json_object_get(wanted, "node")) &&
            json_equal(json_object_get(entry, "path"), json_object_get(wanted, "path")))
            return true;
    return false;
}

struct addition {
    const char *id;
    json_t *entry;
    const char *description;
};

static int build_addition(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct addition *addition = context;
    const char *id = addition->id;
    json_t *entry = addition->entry;
    autojson json_t *body = NULL;
    int64_t revision = 0;

    if (object_read(storage, mapping_pci.document, id, &body, &revision, err) != 0) {
        if (err->kind != ERROR_NOT_FOUND)
            return -1;
        body = json_pack("{s:[]}", "map");
    }
    json_t *map = json_object_get(body, "map");
    if (names_device(map, entry))
        return error_set(err, ERROR_FAILED, "mapping '%s' names the device '%s' of node '%s' already", id,
                         json_string_value(json_object_get(entry, "path")),
                         json_string_value(json_object_get(entry, "node")));
    if (json_array_size(map) >= SCHEMA_ARRAY_LIMIT)
        return error_set(err, ERROR_FAILED, "mapping '%s' has %zu entries: no more are possible", id,
                         json_array_size(map));
    json_array_append(map, entry);
    if (addition->description != NULL)
        json_object_set_new(body, "description", json_string(addition->description));
    change_set_put(set, mapping_pci.document, id, revision, TAKE(body));
    return 0;
}

int mapping_add_device(struct storage *storage, const char *id, const char *node,
                       const struct pci_device *device, const char *description, struct error *err)
{
    autojson json_t *entry = make_entry(node, device);

    return edit_run(storage, build_addition, &(struct addition){id, entry, description}, err);
}
