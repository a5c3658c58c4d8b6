/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of PCI devices: kept as documents. */
#include "passthrough/mapping.h"

#include <string.h>

#include "base/memory.h"
#include "schema/property_string.h"

#define ID_PATTERN   "[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}"
#define ONE_PATH     "[a-f0-9]{4,8}:[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?"
#define PATH_PATTERN "(?:" ONE_PATH ";)*" ONE_PATH
#define ATTEMPTS     100 /* at a mapping that others change at the same time */

const struct schema mapping_entry_schema = {
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

/* Settings besides map. */
static const char *const optional_settings[] = {"description", "mdev", "live-migration-capable"};

json_t *mapping_describe(const char *id, const json_t *body)
{
    char digest[DIGEST_SIZE];
    json_t *ret = json_pack("{s:s, s:s, s:[]}", "id", id, "type", "pci", "map");
    json_t *entry, *map = json_object_get(ret, "map");
    size_t i;

    json_array_foreach(json_object_get(body, "map"), i, entry) {
        autofree char *string = property_string_print(&mapping_entry_schema, entry);
        json_array_append_new(map, json_string(string));
    }
    for (i = 0; i < COUNT_OF(optional_settings); i++) {
        json_t *value = json_object_get(body, optional_settings[i]);
        if (value != NULL)
            json_object_set(ret, optional_settings[i], value);
    }
    object_digest(body, digest);
    json_object_set_new(ret, "digest", json_string(digest));
    return ret;
}

int mapping_list_paths(struct storage *storage, const char *id, const char *node, json_t **ret,
                       struct error *err)
{
    autojson json_t *body = NULL, *paths = json_array();
    json_t *entry;
    size_t i;

    if (object_read(storage, MAPPING_PCI_KIND, id, &body, NULL, err) != 0 && err->kind != ERROR_NOT_FOUND)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "node")), node) == 0)
            json_array_append(paths, json_object_get(entry, "path"));
    *ret = TAKE(paths);
    return 0;
}

/* The entries as objects; the strings were validated. */
static int parse_map(const json_t *strings, json_t **ret, struct error *err)
{
    autojson json_t *map = json_array();
    json_t *string;
    size_t i;

    json_array_foreach(strings, i, string) {
        json_t *entry = NULL;
        if (property_string_parse(&mapping_entry_schema, json_string_value(string), &entry, err) != 0)
            return -1;
        json_array_append_new(map, entry);
    }
    *ret = TAKE(map);
    return 0;
}

/* Puts what was sent over what was there. */
static int apply_settings(json_t *body, const json_t *settings, struct error *err)
{
    json_t *map;

    if (parse_map(json_object_get(settings, "map"), &map, err) != 0)
        return -1;
    json_object_set_new(body, "map", map);
    for (size_t i = 0; i < COUNT_OF(optional_settings); i++) {
        json_t *value = json_object_get(settings, optional_settings[i]);
        if (value != NULL)
            json_object_set(body, optional_settings[i], value);
    }
    return 0;
}

int mapping_create(struct storage *storage, const char *id, const json_t *settings, struct error *err)
{
    autojson json_t *body = json_object();
    autochange struct change_set *set = change_set_new();

    if (apply_settings(body, settings, err) != 0)
        return -1;
    change_set_put(set, MAPPING_PCI_KIND, id, 0, TAKE(body));
    if (storage_commit(storage, TAKE(set), err) == 0)
        return 0;
    if (err->kind == ERROR_CONFLICT)
        return error_set(err, ERROR_CONFLICT, "create hardware mapping failed: pci ID '%s' already defined",
                         id);
    return error_prefix(err, "create hardware mapping failed: ");
}

static bool is_optional_setting(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(optional_settings); i++)
        if (strcmp(optional_settings[i], name) == 0)
            return true;
    return false;
}

static int remove_settings(json_t *body, const json_t *settings, char **remove, struct error *err)
{
    for (char **name = remove; name != NULL && *name != NULL; name++) {
        if (strcmp(*name, "map") == 0)
            return error_set(err, ERROR_FAILED, "unable to delete required option 'map'");
        if (!is_optional_setting(*name))
            return error_set(err, ERROR_FAILED, "no such option '%s'", *name);
        if (json_object_get(settings, *name) != NULL)
            return error_set(err, ERROR_FAILED, "cannot set and delete property '%s' at the same time!",
                             *name);
        json_object_del(body, *name);
    }
    return 0;
}

static int check_digest(const json_t *body, const char *digest, struct error *err)
{
    char current[DIGEST_SIZE];

    object_digest(body, current);
    if (digest == NULL || strcmp(digest, current) == 0)
        return 0;
    /* not a conflict of revisions: to try again here would not help */
    return error_set(err, ERROR_FAILED,
                     "detected modified configuration - file changed by other user? Try again.");
}

static int prepare_update(json_t *body, const json_t *settings, char **remove, const char *digest,
                          struct error *err)
{
    if (check_digest(body, digest, err) != 0)
        return -1;
    if (json_object_get(settings, "map") == NULL)
        return error_set(err, ERROR_FAILED, "missing value for required option 'map'");
    if (remove_settings(body, settings, remove, err) != 0)
        return -1;
    return apply_settings(body, settings, err);
}

static int try_update(struct storage *storage, const char *id, const json_t *settings, char **remove,
                      const char *digest, struct error *err)
{
    autojson json_t *body = NULL;
    autochange struct change_set *set = change_set_new();
    int64_t revision;

    if (object_read(storage, MAPPING_PCI_KIND, id, &body, &revision, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND, "pci ID '%s' does not exist", id)
                   : -1;
    if (prepare_update(body, settings, remove, digest, err) != 0)
        return -1;
    change_set_put(set, MAPPING_PCI_KIND, id, revision, TAKE(body));
    return storage_commit(storage, TAKE(set), err);
}

/* Who sent no digest does not mind a change that came between; who sent one is told by it. */
int mapping_update(struct storage *storage, const char *id, const json_t *settings, char **remove,
                   const char *digest, struct error *err)
{
    int result = -1;

    for (int attempt = 0; attempt < ATTEMPTS && result != 0; attempt++) {
        result = try_update(storage, id, settings, remove, digest, err);
        if (result != 0 && err->kind != ERROR_CONFLICT)
            break;
    }
    return result == 0 ? 0 : error_prefix(err, "update hardware mapping failed: ");
}

int mapping_delete(struct storage *storage, const char *id, struct error *err)
{
    autochange struct change_set *set = change_set_new();
    autojson json_t *body = NULL;

    if (object_read(storage, MAPPING_PCI_KIND, id, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; /* gone is what was asked for */
    change_set_delete(set, MAPPING_PCI_KIND, id, REVISION_ANY);
    return storage_commit(storage, TAKE(set), err);
}
