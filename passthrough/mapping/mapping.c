/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings: reading and changing their documents. */
#include "passthrough/mapping/mapping.h"

#include <string.h>

#include "base/memory.h"
#include "schema/property_string.h"
#include "storage/edit.h"

static void copy_settings(const struct mapping_kind *kind, const json_t *from, json_t *to)
{
    for (const char *const *name = kind->settings; *name != NULL; name++) {
        json_t *value = json_object_get(from, *name);
        if (value != NULL)
            json_object_set(to, *name, value);
    }
}

json_t *mapping_describe(const struct mapping_kind *kind, const char *id, const json_t *body)
{
    char digest[DIGEST_SIZE];
    json_t *ret = json_pack("{s:s, s:s, s:[]}", "id", id, "type", kind->type, "map");
    json_t *entry, *map = json_object_get(ret, "map");
    size_t i;

    json_array_foreach(json_object_get(body, "map"), i, entry) {
        autofree char *string = property_string_print(kind->entry, entry);
        json_array_append_new(map, json_string(string));
    }
    copy_settings(kind, body, ret);
    object_digest(body, digest);
    json_object_set_new(ret, "digest", json_string(digest));
    return ret;
}

/* Parses the entries of a request, which have been validated. */
static int parse_map(const struct mapping_kind *kind, const json_t *strings, json_t **ret, struct error *err)
{
    autojson json_t *map = json_array();
    json_t *string;
    size_t i;

    json_array_foreach(strings, i, string) {
        json_t *entry = NULL;
        if (property_string_parse(kind->entry, json_string_value(string), &entry, err) != 0)
            return -1;
        json_array_append_new(map, entry);
    }
    *ret = TAKE(map);
    return 0;
}

/* Replaces the settings that were sent; the others stay. */
static int apply_settings(const struct mapping_kind *kind, json_t *body, const json_t *settings,
                          struct error *err)
{
    json_t *map;

    if (parse_map(kind, json_object_get(settings, "map"), &map, err) != 0)
        return -1;
    json_object_set_new(body, "map", map);
    copy_settings(kind, settings, body);
    return 0;
}

int mapping_create(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, struct error *err)
{
    autojson json_t *body = json_object();
    autochange struct change_set *set = change_set_new();

    if (apply_settings(kind, body, settings, err) != 0)
        return -1;
    change_set_put(set, kind->document, id, 0, TAKE(body));
    if (storage_commit(storage, TAKE(set), err) == 0)
        return 0;
    if (err->kind == ERROR_CONFLICT)
        return error_set(err, ERROR_CONFLICT, "create hardware mapping failed: %s ID '%s' already defined",
                         kind->type, id);
    return error_prefix(err, "create hardware mapping failed: ");
}

static bool is_setting(const struct mapping_kind *kind, const char *name)
{
    for (const char *const *setting = kind->settings; *setting != NULL; setting++)
        if (strcmp(*setting, name) == 0)
            return true;
    return false;
}

static int remove_settings(const struct mapping_kind *kind, json_t *body, const json_t *settings,
                           char **remove, struct error *err)
{
    for (char **name = remove; name != NULL && *name != NULL; name++) {
        if (strcmp(*name, "map") == 0)
            return error_set(err, ERROR_FAILED, "unable to delete required option 'map'");
        if (!is_setting(kind, *name))
            return error_set(err, ERROR_FAILED, "no such option '%s'", *name);
        if (json_object_get(settings, *name) != NULL)
            return error_set(err, ERROR_FAILED, "cannot set and delete property '%s' at the same time!",
                             *name);
        json_object_del(body, *name);
    }
    return 0;
}

static int compare_digest(const json_t *body, const char *digest, struct error *err)
{
    char current[DIGEST_SIZE];

    object_digest(body, current);
    if (digest == NULL || strcmp(digest, current) == 0)
        return 0;
    /* ERROR_CONFLICT would make edit_run try again, which cannot help */
    return error_set(err, ERROR_FAILED,
                     "detected modified configuration - file changed by other user? Try again.");
}

struct update {
    const struct mapping_kind *kind;
    const char *id;
    const json_t *settings;
    char **remove;
    const char *digest;
};

static int build_update(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct update *update = context;
    const struct mapping_kind *kind = update->kind;
    autojson json_t *body = NULL;
    int64_t revision;

    if (object_read(storage, kind->document, update->id, &body, &revision, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND, "%s ID '%s' does not exist", kind->type, update->id)
                   : -1;
    if (compare_digest(body, update->digest, err) != 0)
        return -1;
    if (json_object_get(update->settings, "map") == NULL)
        return error_set(err, ERROR_FAILED, "missing value for required option 'map'");
    if (remove_settings(kind, body, update->settings, update->remove, err) != 0 ||
        apply_settings(kind, body, update->settings, err) != 0)
        return -1;
    change_set_put(set, kind->document, update->id, revision, TAKE(body));
    return 0;
}

int mapping_update(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, char **remove, const char *digest, struct error *err)
{
    struct update update = {kind, id, settings, remove, digest};

    if (edit_run(storage, build_update, &update, err) != 0)
        return error_prefix(err, "update hardware mapping failed: ");
    return 0;
}

int mapping_delete(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   struct error *err)
{
    autochange struct change_set *set = change_set_new();
    autojson json_t *body = NULL;

    if (object_read(storage, kind->document, id, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; /* deleting what does not exist succeeds */
    change_set_delete(set, kind->document, id, REVISION_ANY);
    return storage_commit(storage, TAKE(set), err);
}
