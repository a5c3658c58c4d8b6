/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of PCI devices: how an entry is compared with a device and made from one. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/pci/sriov.h"
#include "passthrough/mapping/parts.h"
#include "schema/format.h"
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

/* A path without a function means all functions of the device: *ret is function 0 then. */
static bool parse_path(const char *path, struct pci_address *ret, bool *ret_whole)
{
    *ret_whole = strchr(path, '.') == NULL;
    autofree char *function = xasprintf("%s%s", path, *ret_whole ? ".0" : "");

    return pci_address_parse(function, ret);
}

/* Function 0 is compared if the path means all. */
static const struct pci_device *find_device(const struct inventory *inventory, const char *path)
{
    struct pci_address address;
    bool whole;

    return parse_path(path, &address, &whole) ? inventory_find(inventory, address) : NULL;
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

/* A property of an entry, and what the device has. */
struct comparison {
    const char *mapping, *path; /* for the messages */
    const char *property, *expected, *configured;
    const char *elsewhere; /* where devices with the configured ids are */
};

static void compare(const struct comparison *of, json_t *differences)
{
    if (of->expected[0] == '\0' && of->configured == NULL)
        return;
    if (of->expected[0] == '\0')
        mapping_add_difference(differences, "unexpected property '%s' for device '%s', which has none",
                               of->property, of->path);
    else if (of->configured == NULL)
        mapping_add_difference(differences, "missing expected property '%s' for device '%s': it is %s",
                               of->property, of->path, of->expected);
    else if (strcasecmp(of->expected, of->configured) != 0)
        mapping_add_difference(differences, "'%s' does not match for '%s' (%s != %s)%s", of->property,
                               of->mapping, of->expected, of->configured, of->elsewhere);
}

/* If a device has no subsystem id, clients write 0000:0000. */
static const char *configured_subsystem(const json_t *entry, const struct expectation *expected)
{
    const char *configured = json_string_value(json_object_get(entry, "subsystem-id"));

    if (expected->subsystem[0] == '\0' && configured != NULL && strcmp(configured, "0000:0000") == 0)
        return NULL;
    return configured;
}

static bool is_named(char *const *paths, struct pci_address address)
{
    struct pci_address named;
    bool whole;

    for (; *paths != NULL; paths++)
        if (parse_path(*paths, &named, &whole) &&
            (whole ? pci_address_same_slot(named, address) : pci_address_compare(named, address) == 0))
            return true;
    return false;
}

/* Where devices are that have the entry's ids and that it does not name already. */
static char *describe_elsewhere(const json_t *entry, const struct inventory *inventory)
{
    const char *id = json_text(entry, "id");
    const char *subsystem = json_string_value(json_object_get(entry, "subsystem-id"));
    autosplit char **paths = format_split_list(json_text(entry, "path"));
    autoplaces struct places places = {0};

    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *device = &inventory->devices[i];
        struct expectation expected = expect(device);
        char address[PCI_ADDRESS_SIZE];
        if (strcasecmp(expected.id, id) != 0 || is_named(paths, device->address) ||
            (subsystem != NULL && expected.subsystem[0] != '\0' &&
             strcasecmp(expected.subsystem, subsystem) != 0))
            continue;
        pci_address_format(device->address, address);
        places_add(&places, address);
    }
    return places_describe(&places, id);
}

/* A VF that does not exist is its PF's to create; anything else has moved or is gone. */
static void explain_missing(const json_t *entry, const char *path, const struct mapping_hardware *hardware,
                            json_t *differences)
{
    struct pci_address address;
    struct sriov_slot slot;
    char physical[PCI_ADDRESS_SIZE];

    if (hardware->sysroot != NULL && pci_address_parse(path, &address) &&
        sriov_find_slot(hardware->sysroot, hardware->pci, address, &slot)) {
        pci_address_format(slot.physical_function, physical);
        mapping_add_difference(differences,
                               "pci device '%s' not found: it is VF %u of %s, which has %u of %u VFs", path,
                               slot.index, physical, slot.exist, slot.possible);
        return;
    }
    autofree char *elsewhere = describe_elsewhere(entry, hardware->pci);
    mapping_add_difference(differences, "pci device '%s' not found%s", path, elsewhere);
}

static void compare_path(const char *mapping, const json_t *entry, const char *path, bool first,
                         const struct mapping_hardware *hardware, json_t *differences)
{
    const struct pci_device *device = find_device(hardware->pci, path);
    const json_t *group = json_object_get(entry, "iommugroup");
    autofree char *configured_group = group != NULL ? json_dumps(group, JSON_ENCODE_ANY) : NULL;

    if (device == NULL) {
        explain_missing(entry, path, hardware, differences);
        return;
    }
    struct expectation expected = expect(device);
    const char *id = json_string_value(json_object_get(entry, "id"));
    autofree char *elsewhere =
        strcasecmp(expected.id, id) != 0 ? describe_elsewhere(entry, hardware->pci) : xstrdup("");
    struct comparison of = {.mapping = mapping, .path = path, .elsewhere = elsewhere};
    of.property = "id", of.expected = expected.id, of.configured = id;
    compare(&of, differences);
    of.elsewhere = "";
    of.property = "subsystem-id", of.expected = expected.subsystem;
    of.configured = configured_subsystem(entry, &expected);
    compare(&of, differences);
    /* Proxmox's web interface writes -1 for a device without a group */
    if (!first || (expected.group[0] == '\0' && json_integer_value(group) == -1))
        return;
    of.property = "iommugroup", of.expected = expected.group, of.configured = configured_group;
    compare(&of, differences);
}

static void compare_pci(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                        json_t *differences)
{
    autofree char *paths = xstrdup(json_string_value(json_object_get(entry, "path")));
    char *rest = paths, *path;

    for (bool first = true; (path = strsep(&rest, ";")) != NULL; first = false)
        compare_path(mapping, entry, path, first, hardware, differences);
}

static int read_pci(const struct sysroot *sysroot, struct inventory_source *inventory,
                    struct mapping_hardware *ret, struct error *err)
{
    ret->sysroot = sysroot;
    return inventory_source_get(inventory, &ret->pci, err);
}

const struct mapping_kind mapping_pci = {
    .type = "pci",
    .document = "mapping-pci",
    .name = "PCI",
    .entry = &mapping_pci_entry,
    .settings = (const char *const[]){"description", "mdev", "live-migration-capable", NULL},
    .read_hardware = read_pci,
    .compare = compare_pci,
};

static json_t *make_entry(const char *node, const struct pci_device *device, bool all_functions)
{
    struct expectation expected = expect(device);
    char path[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, path);
    if (all_functions)
        *strrchr(path, '.') = '\0';
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
                       const struct pci_device *device, bool all_functions, const char *description,
                       struct error *err)
{
    autojson json_t *entry = make_entry(node, device, all_functions);

    return edit_run(storage, build_addition, &(struct addition){id, entry, description}, err);
}
