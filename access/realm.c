/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Realms. Their settings are documents of the kind "realm", {comment?, default?: 1}, which may be missing. */
#include "access/realm.h"

#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "storage/edit.h"

static const struct realm {
    const char *id; /* and its type */
    const char *comment;
} realms[] = {
    {"pam", "Linux PAM standard authentication"},
    {"pve", "Proxmox VE authentication server"},
};

static const struct realm *find(const char *id)
{
    for (size_t i = 0; i < COUNT_OF(realms); i++)
        if (strcmp(realms[i].id, id) == 0)
            return &realms[i];
    return NULL;
}

static json_t *describe(const struct realm *realm, const json_t *document)
{
    const char *comment = json_string_value(json_object_get(document, "comment"));
    json_t *row =
        json_pack("{s:s, s:s}", "type", realm->id, "comment", comment != NULL ? comment : realm->comment);

    if (json_integer_value(json_object_get(document, "default")) != 0)
        json_object_set_new(row, "default", json_integer(1));
    return row;
}

int realm_list(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *documents = NULL;

    if (object_list(storage, "realm", &documents, err) != 0)
        return -1;
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT_OF(realms); i++) {
        json_t *row = describe(&realms[i], json_object_get(documents, realms[i].id));
        json_object_set_new(row, "realm", json_string(realms[i].id));
        json_array_append_new(list, row);
    }
    *ret = list;
    return 0;
}

/* Returns an empty document of revision 0 if there is none. */
static int read_document(struct storage *storage, const char *id, json_t **ret, int64_t *ret_revision,
                         struct error *err)
{
    *ret_revision = 0;
    if (object_read(storage, "realm", id, ret, ret_revision, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    *ret = json_object();
    return 0;
}

static int refuse_unknown(const char *id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "realm '%s' does not exist", id);
}

int realm_read(struct storage *storage, const char *id, json_t **ret, struct error *err)
{
    const struct realm *realm = find(id);
    autojson json_t *document = NULL;
    char digest[DIGEST_SIZE];
    int64_t revision;

    if (realm == NULL)
        return refuse_unknown(id, err);
    if (read_document(storage, id, &document, &revision, err) != 0)
        return -1;
    object_digest(document, digest);
    json_t *row = describe(realm, document);
    json_object_set_new(row, "digest", json_string(digest));
    *ret = row;
    return 0;
}

static int delete_settings(json_t *document, const json_t *settings, struct error *err)
{
    const char *list = json_string_value(json_object_get(settings, "delete"));
    autosplit char **names = format_split_list(list != NULL ? list : "");

    for (char **name = names; *name != NULL; name++) {
        if (strcmp(*name, "comment") != 0 && strcmp(*name, "default") != 0)
            return error_set_field(err, "delete", "unknown option '%s'", *name);
        if (json_object_get(settings, *name) != NULL)
            return error_set_field(err, "delete", "'%s' is both set and deleted", *name);
        json_object_del(document, *name);
    }
    return 0;
}

static int check_digest(const json_t *document, const json_t *settings, struct error *err)
{
    const char *expected = json_string_value(json_object_get(settings, "digest"));
    char digest[DIGEST_SIZE];

    object_digest(document, digest);
    if (expected == NULL || strcmp(expected, digest) == 0)
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "detected modified configuration - file changed by other user? Try again.");
}

static void change_settings(json_t *document, const json_t *settings)
{
    json_t *comment = json_object_get(settings, "comment"), *preset = json_object_get(settings, "default");

    if (comment != NULL && json_string_length(comment) > 0)
        json_object_set(document, "comment", comment);
    else if (comment != NULL)
        json_object_del(document, "comment");
    if (json_integer_value(preset) != 0)
        json_object_set(document, "default", preset);
    else if (preset != NULL)
        json_object_del(document, "default");
}

struct realm_edit {
    const char *id;
    const json_t *settings;
};

/* Only one realm can be the default. */
static int clear_other_defaults(struct storage *storage, const struct realm_edit *edit,
                                struct change_set *set, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(realms); i++) {
        autojson json_t *document = NULL;
        int64_t revision;

        if (strcmp(realms[i].id, edit->id) == 0)
            continue;
        if (read_document(storage, realms[i].id, &document, &revision, err) != 0)
            return -1;
        if (json_object_del(document, "default") == 0)
            change_set_put(set, "realm", realms[i].id, revision, TAKE(document));
    }
    return 0;
}

static int build_update(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct realm_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (read_document(storage, edit->id, &document, &revision, err) != 0 ||
        check_digest(document, edit->settings, err) != 0 ||
        delete_settings(document, edit->settings, err) != 0)
        return -1;
    change_settings(document, edit->settings);
    if (json_object_get(document, "default") != NULL && clear_other_defaults(storage, edit, set, err) != 0)
        return -1;
    change_set_put(set, "realm", edit->id, revision, TAKE(document));
    return 0;
}

int realm_update(struct storage *storage, const char *id, const json_t *settings, struct error *err)
{
    if (find(id) == NULL)
        return refuse_unknown(id, err);
    return edit_run(storage, build_update, &(struct realm_edit){id, settings}, err);
}

int realm_create(const char *id, const char *type, struct error *err)
{
    if (find(id) != NULL)
        return error_set(err, ERROR_FAILED, "add auth server failed: unable to use reserved name '%s'", id);
    return error_set(err, ERROR_FAILED, "add auth server failed: unable to create builtin type '%s'", type);
}

int realm_delete(const char *id, struct error *err)
{
    if (find(id) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "delete auth server failed: realm '%s' does not exist", id);
    return error_set(err, ERROR_FAILED, "delete auth server failed: realm '%s' is built in", id);
}
