/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents: reading, change sets with expected revisions, and that a failed write changes nothing. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "tests/unit/storage/fixture.h"

static void delete(struct storage *storage, const char *kind, const char *id, int64_t expected)
{
    struct change_set *set = change_set_new();
    struct error err;

    change_set_delete(set, kind, id, expected);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
}

static void expect_conflict(struct storage *storage, const char *id, int64_t expected, const char *part)
{
    uint64_t generation = storage_generation(storage);
    struct error err;

    cr_assert_eq(fixture_try_put(storage, "group", id, expected, "{'comment': 'refused'}", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, part);
    cr_assert_eq(storage_generation(storage), generation);
}

Test(storage_commit, counts_the_revisions_of_a_document)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;

    cr_assert_eq(fixture_revision(storage, "group", "staff"), 0);
    cr_assert_eq(fixture_try_put(storage, "group", "staff", 0, "{'comment': 'a'}", &err), 0);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 1);
    cr_assert_eq(fixture_try_put(storage, "group", "staff", 1, "{'comment': 'b'}", &err), 0);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 2);
    cr_assert_eq(fixture_revision(storage, "role", "staff"), 0, "kinds have their own ids");
}

Test(storage_commit, refuses_what_does_not_have_the_expected_revision)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fixture_put(storage, "group", "staff", "{}");
    expect_conflict(storage, "staff", 0, "group 'staff' already exists");
    expect_conflict(storage, "staff", 2, "group 'staff' was changed meanwhile");
    expect_conflict(storage, "gone", 1, "group 'gone' was deleted meanwhile");
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 1);
}

/* Whoever read a document that was deleted and made again has not read the new one. */
Test(storage_commit, goes_on_counting_after_a_deletion)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;

    fixture_put(storage, "group", "staff", "{}");
    delete (storage, "group", "staff", 1);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 0);
    cr_assert_eq(fixture_try_put(storage, "group", "staff", 0, "{}", &err), 0);
    expect_conflict(storage, "staff", 1, "changed meanwhile");
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 3);
}

Test(storage_commit, deletes_what_is_not_there_if_any_revision_will_do)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;

    delete (storage, "group", "nobody", REVISION_ANY);
    change_set_delete(set, "group", "nobody", 1);
    cr_assert_eq(storage_commit(storage, set, &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "was deleted meanwhile");
}

Test(storage_commit, applies_a_set_whole_or_not_at_all)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;

    fixture_put(storage, "group", "old", "{}");
    change_set_put(set, "group", "new", 0, json_object());
    change_set_delete(set, "group", "old", 1);
    change_set_put(set, "group", "late", 7, json_object());
    cr_assert_eq(storage_commit(storage, set, &err), -1);
    cr_assert_eq(fixture_revision(storage, "group", "new"), 0);
    cr_assert_eq(fixture_revision(storage, "group", "old"), 1);
}

Test(storage_commit, counts_generations)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    uint64_t before = storage_generation(storage);

    fixture_put(storage, "group", "staff", "{}");
    cr_assert_gt(storage_generation(storage), before);
}

Test(storage_commit, lists_documents_in_order_of_their_ids)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    json_t *list;
    struct error err;

    fixture_put(storage, "group", "b", "{'n': 2}");
    fixture_put(storage, "group", "a", "{'n': 1}");
    fixture_put(storage, "group", "gone", "{}");
    delete (storage, "group", "gone", 1);
    fixture_put(storage, "role", "c", "{'privs': []}");
    cr_assert_eq(object_list(storage, "group", &list, &err), 0);
    cr_assert_str_eq(json_object_iter_key(json_object_iter(list)), "a");
    fixture_expect_json(list, "{'a': {'n': 1}, 'b': {'n': 2}}");
    static const char *const kinds[] = {"role", "acl", NULL};
    cr_assert_eq(object_list_kinds(storage, kinds, &list, &err), 0);
    fixture_expect_json(list, "{'role': {'c': {'privs': []}}, 'acl': {}}");
    cr_assert_eq(object_list_ids(storage, "group", &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "['a', 'b']");
    cr_assert_eq(object_list_ids(storage, "acl", &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "[]");
}

Test(storage_commit, lists_documents_piece_by_piece)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    json_t *list;
    struct error err;

    fixture_put(storage, "group", "a", "{'n': 1}");
    fixture_put(storage, "group", "b", "{'n': 2}");
    fixture_put(storage, "group", "c", "{'n': 3}");
    cr_assert_eq(object_list_after(storage, "group", "", 2, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "{'a': {'n': 1}, 'b': {'n': 2}}");
    cr_assert_eq(object_list_after(storage, "group", "b", 2, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "{'c': {'n': 3}}");
    cr_assert_eq(object_list_after(storage, "group", "c", 2, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "{}");
}

Test(storage_commit, digests_the_canonical_form)
{
    autojson json_t *one = fixture_json("{'b': [1, 'x'], 'a': 1}"),
                    *other = fixture_json("{'a':1,'b':[1,'x']}");
    char digest[DIGEST_SIZE], same[DIGEST_SIZE];

    object_digest(one, digest);
    object_digest(other, same);
    cr_assert_str_eq(digest, same);
    cr_assert_str_eq(digest,
                     "9a9ad136033dc61eb6e909cc09f89696f81ef717"); /* printf '{"a":1,"b":[1,"x"]}' | sha1sum */
}

Test(storage_commit, keeps_any_text)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    json_t *body;
    struct error err;

    fixture_put(storage, "group", "x'; DROP TABLE document; --", "{'comment': '\\u0000 \\n \xc3\xa4 %s'}");
    cr_assert_eq(object_read(storage, "group", "x'; DROP TABLE document; --", &body, NULL, &err), 0);
    const json_t *comment = json_object_get(body, "comment");
    cr_assert_eq(json_string_length(comment), strlen("? \n ?? %s"));
    cr_assert_eq(memcmp(json_string_value(comment), "\0 \n \xc3\xa4 %s", json_string_length(comment)), 0);
    json_decref(body);
}

/* The caller has made writing fail: nothing changes, and the error says why. */
static void expect_write_fails(struct storage *storage, enum error_kind kind, const char *part)
{
    autofree char *large = xcalloc(1, 100001);
    uint64_t generation = storage_generation(storage);
    struct change_set *set = change_set_new();
    struct error err;

    memset(large, 'x', 100000);
    change_set_put(set, "group", "staff", 1, json_pack("{s:s}", "comment", large));
    cr_assert_eq(storage_commit(storage, set, &err), -1);
    fixture_expect_error(&err, kind, part);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 1);
    cr_assert_eq(storage_generation(storage), generation);
}

Test(storage_commit, survives_a_full_disk)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fixture_put(storage, "group", "staff", "{}");
    sqlite3_exec(storage->writer, "PRAGMA max_page_count = 1", NULL, NULL, NULL);
    expect_write_fails(storage, ERROR_FAILED, "the disk is full");
    sqlite3_exec(storage->writer, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL);
    fixture_put(storage, "group", "staff", "{}");
}

Test(storage_commit, survives_a_read_only_database)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fixture_put(storage, "group", "staff", "{}");
    sqlite3_exec(storage->writer, "PRAGMA query_only = ON", NULL, NULL, NULL);
    expect_write_fails(storage, ERROR_FAILED, "is read-only");
    sqlite3_exec(storage->writer, "PRAGMA query_only = OFF", NULL, NULL, NULL);
    fixture_put(storage, "group", "staff", "{}");
}

Test(storage_commit, survives_a_locked_database_and_goes_on_reading)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    sqlite3 *other;

    fixture_put(storage, "group", "staff", "{}");
    sqlite3_busy_timeout(storage->writer, 50);
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    expect_write_fails(storage, ERROR_BUSY, "another program has locked it");
    sqlite3_close(other);
    fixture_put(storage, "group", "staff", "{}");
}

#define WRITERS    4
#define INCREMENTS 25

/* Threads assert nothing: a failed assertion jumps out of the test. They keep the error for it. */
struct incrementer {
    pthread_t thread;
    struct storage *storage;
    int result;
    struct error err;
};

static int increment(struct storage *storage, struct error *err)
{
    int64_t revision;
    json_t *body;

    do {
        struct change_set *set = change_set_new();
        if (object_read(storage, "counter", "one", &body, &revision, err) != 0)
            return -1;
        json_int_t value = json_integer_value(json_object_get(body, "value"));
        json_object_set_new(body, "value", json_integer(value + 1));
        change_set_put(set, "counter", "one", revision, body);
        if (storage_commit(storage, set, err) == 0)
            return 0;
    } while (err->kind == ERROR_CONFLICT);
    return -1;
}

static void *increment_often(void *context)
{
    struct incrementer *self = context;

    for (int i = 0; i < INCREMENTS && self->result == 0; i++)
        self->result = increment(self->storage, &self->err);
    return NULL;
}

Test(storage_commit, loses_no_change_of_several_threads)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct incrementer writers[WRITERS];
    json_t *body;
    struct error err;

    fixture_put(storage, "counter", "one", "{'value': 0}");
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct incrementer){.storage = storage};
        cr_assert_eq(pthread_create(&writers[i].thread, NULL, increment_often, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        cr_assert_eq(writers[i].result, 0, "%s", writers[i].err.message);
    }
    cr_assert_eq(object_read(storage, "counter", "one", &body, NULL, &err), 0);
    fixture_expect_json(body, "{'value': 100}");
}

/* Puts or deletes so many documents, in one change set. */
static void change_many(struct storage *storage, int count, bool delete)
{
    struct change_set *set = change_set_new();
    struct error err;
    char id[16];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "g%d", i);
        if (delete)
            change_set_delete(set, "group", id, REVISION_ANY);
        else
            change_set_put(set, "group", id, REVISION_ANY, json_object());
    }
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
}

static int64_t count_rows(struct storage *storage)
{
    struct error err;
    int64_t rows;

    cr_assert_eq(sqlite_read_number(storage->writer, "SELECT count(*) FROM document", &rows, &err), 0);
    return rows;
}

Test(storage_commit, deleted_documents_do_not_stay_for_ever)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    for (int round = 0; round < 3; round++) {
        change_many(storage, 3000, false);
        change_many(storage, 3000, true);
    }
    cr_assert_leq(count_rows(storage), DELETIONS_KEPT);
    fixture_put(storage, "group", "staff", "{}");
    fixture_put(storage, "group", "staff", "{}");
    change_many(storage, 10, true);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 2, "what is there stays");
}

Test(storage_commit, tells_what_has_changed_since)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    int64_t before, newest;
    struct error err;
    json_t *changes;

    fixture_put(storage, "group", "old", "{'a': 1}");
    cr_assert_eq(object_newest_change(storage, &before, &err), 0);
    fixture_put(storage, "group", "new", "{'b': 1}");
    fixture_put(storage, "role", "twice", "{'c': 1}");
    fixture_put(storage, "role", "twice", "{'c': 2}");
    struct change_set *set = change_set_new();
    change_set_delete(set, "group", "old", REVISION_ANY);
    cr_assert_eq(storage_commit(storage, set, &err), 0);
    cr_assert_eq(object_list_changes(storage, before, &changes, &newest, &err), 0, "%s", err.message);
    fixture_expect_json(changes, "[{'kind': 'group', 'id': 'new', 'body': {'b': 1}},"
                                 " {'kind': 'role', 'id': 'twice', 'body': {'c': 2}},"
                                 " {'kind': 'group', 'id': 'old', 'body': null}]");
    before = newest;
    cr_assert_eq(object_list_changes(storage, before, &changes, &newest, &err), 0);
    fixture_expect_json(changes, "[]");
    cr_assert_eq(newest, before);
    change_many(storage, 1200, false);
    cr_assert_eq(object_list_changes(storage, before, &changes, &newest, &err), 0);
    cr_assert_null(changes, "so many that deletions may be forgotten");
}
