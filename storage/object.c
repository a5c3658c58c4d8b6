/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents: reading them, and their canonical form. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/storage.h"

char *object_print(const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);

    if (text == NULL) {
        fputs("hostpci: a document that is not JSON\n", stderr);
        abort();
    }
    return text;
}

int object_parse(const char *kind, const char *id, const char *text, json_t **ret, struct error *err)
{
    json_error_t reason;
    json_t *body = json_loads(text, JSON_ALLOW_NUL, &reason);

    if (body == NULL)
        return error_set(
            err, ERROR_FAILED,
            "the document %s '%s' in the database is damaged (%s); restore the database from a backup", kind,
            id, reason.text);
    *ret = body;
    return 0;
}

void object_digest(const json_t *body, char digest[static DIGEST_SIZE])
{
    autofree char *text = object_print(body);

    hash_sha1(text, strlen(text), digest);
}

int object_read(struct storage *storage, const char *kind, const char *id, json_t **ret,
                int64_t *ret_revision, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(storage->reader,
                       "SELECT revision, body FROM document WHERE kind = ?1 AND id = ?2 AND body IS NOT NULL",
                       &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, kind);
    sqlite_bind_string(select, 2, id);
    int row = sqlite_step(select, err);
    if (row < 0)
        return -1;
    if (row == 0)
        return error_set(err, ERROR_NOT_FOUND, "%s '%s' does not exist", kind, id);
    if (object_parse(kind, id, sqlite_string(select, 1), ret, err) != 0)
        return -1;
    if (ret_revision != NULL)
        *ret_revision = sqlite3_column_int64(select, 0);
    return 0;
}

int object_list_kinds(struct storage *storage, const char *const *kinds, json_t **ret, struct error *err)
{
    autojson json_t *names = json_array(), *lists = json_object();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    for (const char *const *kind = kinds; *kind != NULL; kind++) {
        json_array_append_new(names, json_string(*kind));
        json_object_set_new(lists, *kind, json_object());
    }
    autofree char *wanted = object_print(names);
    /* one statement, so that all documents are of one moment */
    if (sqlite_prepare(
            storage->reader,
            "SELECT kind, id, body FROM document "
            "WHERE kind IN (SELECT value FROM json_each(?1)) AND body IS NOT NULL ORDER BY kind, id",
            &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, wanted);
    while ((row = sqlite_step(select, err)) > 0) {
        const char *kind = sqlite_string(select, 0), *id = sqlite_string(select, 1);
        json_t *body = NULL;

        if (object_parse(kind, id, sqlite_string(select, 2), &body, err) != 0)
            return -1;
        json_object_set_new(json_object_get(lists, kind), id, body);
    }
    if (row == 0)
        *ret = TAKE(lists);
    return row;
}

int object_list(struct storage *storage, const char *kind, json_t **ret, struct error *err)
{
    const char *const kinds[] = {kind, NULL};
    autojson json_t *lists = NULL;

    if (object_list_kinds(storage, kinds, &lists, err) != 0)
        return -1;
    *ret = json_incref(json_object_get(lists, kind));
    return 0;
}

int object_list_after(struct storage *storage, const char *kind, const char *after, int limit, json_t **ret,
                      struct error *err)
{
    autojson json_t *list = json_object();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT id, body FROM document "
                       "WHERE kind = ?1 AND id > ?2 AND body IS NOT NULL ORDER BY id LIMIT ?3",
                       &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, kind);
    sqlite_bind_string(select, 2, after);
    sqlite_bind_number(select, 3, limit);
    while ((row = sqlite_step(select, err)) > 0) {
        const char *id = sqlite_string(select, 0);
        json_t *body = NULL;

        if (object_parse(kind, id, sqlite_string(select, 1), &body, err) != 0)
            return -1;
        json_object_set_new(list, id, body);
    }
    if (row == 0)
        *ret = TAKE(list);
    return row;
}

int object_list_ids(struct storage *storage, const char *kind, json_t **ret, struct error *err)
{
    autojson json_t *ids = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT id FROM document WHERE kind = ?1 AND body IS NOT NULL ORDER BY id", &select,
                       err) != 0)
        return -1;
    sqlite_bind_string(select, 1, kind);
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(ids, json_string(sqlite_string(select, 0)));
    if (row == 0)
        *ret = TAKE(ids);
    return row;
}

int object_list_ids_naming(struct storage *storage, const char *kind, const char *name, json_t **ret,
                           struct error *err)
{
    autojson json_t *ids = json_array(), *string = json_string(name);
    autofree char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT id FROM document WHERE kind = ?1 AND instr(body, ?2) > 0 ORDER BY id", &select,
                       err) != 0)
        return -1;
    quoted[strlen(quoted) - 1] = '\0';
    sqlite_bind_string(select, 1, kind);
    sqlite_bind_string(select, 2, quoted);
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(ids, json_string(sqlite_string(select, 0)));
    if (row == 0)
        *ret = TAKE(ids);
    return row;
}

int object_count(struct storage *storage, const char *kind, int64_t *ret, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(storage->reader, "SELECT count(*) FROM document WHERE kind = ?1 AND body IS NOT NULL",
                       &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, kind);
    if (sqlite_step(select, err) < 0)
        return -1;
    *ret = sqlite3_column_int64(select, 0);
    return 0;
}

int object_newest_change(struct storage *storage, int64_t *ret, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);

    return sqlite_read_number(storage->reader, "SELECT coalesce(max(changed), 0) FROM document", ret, err);
}

static json_t *print_change(sqlite3_stmt *select, struct error *err)
{
    const char *kind = sqlite_string(select, 0), *id = sqlite_string(select, 1);
    json_t *body = NULL;

    if (sqlite3_column_type(select, 2) == SQLITE_NULL)
        body = json_null();
    else if (object_parse(kind, id, sqlite_string(select, 2), &body, err) != 0)
        return NULL;
    return json_pack("{s:s, s:s, s:o}", "kind", kind, "id", id, "body", body);
}

int object_list_changes(struct storage *storage, int64_t since, json_t **ret, int64_t *ret_newest,
                        struct error *err)
{
    autojson json_t *changes = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int64_t newest = since;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT kind, id, body, changed FROM document WHERE changed > ?1 ORDER BY changed",
                       &select, err) != 0)
        return -1;
    sqlite_bind_number(select, 1, since);
    while ((row = sqlite_step(select, err)) > 0) {
        json_t *change = print_change(select, err);
        if (change == NULL)
            return -1;
        json_array_append_new(changes, change);
        newest = sqlite3_column_int64(select, 3);
    }
    if (row != 0)
        return -1;
    *ret = newest - since < DELETIONS_KEPT ? TAKE(changes) : NULL;
    *ret_newest = newest;
    return 0;
}
