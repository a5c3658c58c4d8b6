/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests that need a database. */
#include "tests/unit/storage/fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "passthrough/index.h"

#define NOBODY 65534

void fixture_make(struct fixture *fixture)
{
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/hostpci-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/hostpci.db", fixture->folder);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_remove(struct fixture *fixture)
{
    nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void cleanup_storage(struct storage **storage)
{
    storage_close(*storage);
}

struct storage *fixture_open(const char *path)
{
    struct storage *storage;
    struct error err;

    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    return storage;
}

void fixture_run_sql(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(fixture->path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

json_t *fixture_json(const char *text)
{
    autofree char *copy = xstrdup(text);
    json_error_t reason;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL, &reason);
    cr_assert_not_null(value, "%s: %s", text, reason.text);
    return value;
}

int fixture_try_put(struct storage *storage, const char *kind, const char *id, int64_t expected,
                    const char *text, struct error *err)
{
    struct change_set *set = change_set_new();

    change_set_put(set, kind, id, expected, fixture_json(text));
    return storage_commit(storage, set, err);
}

void fixture_put(struct storage *storage, const char *kind, const char *id, const char *text)
{
    struct error err;

    cr_assert_eq(fixture_try_put(storage, kind, id, REVISION_ANY, text, &err), 0, "%s", err.message);
}

int64_t fixture_revision(struct storage *storage, const char *kind, const char *id)
{
    autojson json_t *body = NULL;
    int64_t revision = 0;
    struct error err;

    if (object_read(storage, kind, id, &body, &revision, &err) != 0)
        cr_assert_eq(err.kind, ERROR_NOT_FOUND, "%s", err.message);
    return revision;
}

void fixture_expect_json(json_t *value, const char *text)
{
    autojson json_t *is = value, *wanted = fixture_json(text);
    autofree char *shown = json_dumps(is, JSON_ENCODE_ANY | JSON_SORT_KEYS);

    cr_assert(json_equal(is, wanted), "%s is not %s", shown, text);
}

void fixture_expect_error(const struct error *err, enum error_kind kind, const char *part)
{
    cr_assert_eq(err->kind, kind, "kind %d, not %d: %s", (int)err->kind, (int)kind, err->message);
    cr_assert_not_null(strstr(err->message, part), "\"%s\" is not in: %s", part, err->message);
}

void fixture_become_ordinary_user(const struct fixture *fixture)
{
    if (geteuid() != 0)
        return;
    /* those of the files that exist by now; the tests make the rest themselves */
    static const char *const files[] = {"", "/hostpci.db", "/hostpci.db.lock", "/hostpci.db-wal",
                                        "/hostpci.db-shm"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autofree char *path = xasprintf("%s%s", fixture->folder, files[i]);
        cr_assert(chown(path, NOBODY, NOBODY) == 0 || i > 0);
    }
    cr_assert_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
    cr_assert_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}
