/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening the database: what is created, and what is refused with which advice. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "passthrough/index.h"
#include "storage/index.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "tests/unit/storage/fixture.h"

static void write_file(const char *path, const char *data, size_t length)
{
    struct error err;

    cr_assert_eq(file_replace(path, data, length, 0600, &err), 0, "%s", err.message);
}

static void expect_refused(const char *path, enum error_kind kind, const char *part)
{
    struct storage *storage = (struct storage *)path; /* anything: it must stay as it is */
    struct error err;

    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), -1);
    cr_assert_eq((const void *)storage, (const void *)path);
    fixture_expect_error(&err, kind, part);
    fixture_expect_error(&err, kind, path);
}

/* The file is refused, and not a byte of it changes. */
static void expect_refused_untouched(const char *path, const char *part)
{
    autofree char *before = NULL, *after = NULL;
    size_t length, length_after;
    struct error err;

    cr_assert_eq(file_read(path, 1 << 20, &before, &length, &err), 0);
    expect_refused(path, ERROR_FAILED, part);
    cr_assert_eq(file_read(path, 1 << 20, &after, &length_after, &err), 0);
    cr_assert_eq(length, length_after);
    cr_assert_eq(memcmp(before, after, length), 0);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    struct error err;
    int64_t value;

    cr_assert_eq(sqlite_read_number(db, sql, &value, &err), 0, "%s", err.message);
    return value;
}

Test(storage_open, makes_a_durable_database_that_only_its_user_reads)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct stat status;

    cr_assert_eq(stat(fixture.path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(number(storage->writer, "PRAGMA synchronous"), 2); /* FULL */
    cr_assert_eq(number(storage->writer, "PRAGMA foreign_keys"), 1);
    cr_assert_eq(number(storage->writer, "PRAGMA application_id"), 0x68706369);
    cr_assert_eq(number(storage->reader, "SELECT count(*) FROM document"), 0);
    autofree char *wal = xasprintf("%s-wal", fixture.path);
    cr_assert_eq(stat(wal, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
}

Test(storage_open, keeps_what_was_committed)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = fixture_open(fixture.path);
    fixture_put(storage, "group", "staff", "{'comment': 'all of us'}");
    storage_close(storage);

    storage = fixture_open(fixture.path);
    json_t *body;
    struct error err;
    cr_assert_eq(object_read(storage, "group", "staff", &body, NULL, &err), 0);
    fixture_expect_json(body, "{'comment': 'all of us'}");
    storage_close(storage);
}

Test(storage_open, keeps_what_was_acknowledged_by_a_daemon_that_was_killed)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    int status;

    pid_t child = fork();
    if (child == 0) {
        struct storage *storage = fixture_open(fixture.path);
        fixture_put(storage, "group", "staff", "{}");
        kill(getpid(), SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    autostorage struct storage *storage = fixture_open(fixture.path); /* its lock went with it */
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 1);
}

Test(storage_open, admits_one_daemon_at_a_time)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = fixture_open(fixture.path);

    expect_refused(fixture.path, ERROR_CONFLICT, "another hostpci daemon uses");
    expect_refused(fixture.path, ERROR_CONFLICT, "--state-dir");
    storage_close(storage);
    storage_close(fixture_open(fixture.path));
}

/* Schema 2 had no table about VMs. */
Test(storage_open, brings_an_older_database_up_to_date)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = fixture_open(fixture.path);
    fixture_put(storage, "vm", "100", "{'node': 'pve1', 'config': {'hostpci0': '0000:01:00.0'}}");
    storage_close(storage);
    fixture_run_sql(
        &fixture, "DROP INDEX document_changed; DROP INDEX document_deleted; "
                  "ALTER TABLE document DROP COLUMN changed; "
                  "DROP TABLE vm_device; DROP TABLE vm_mapping; DROP TABLE reservation; DROP TABLE position;"
                  "PRAGMA user_version = 2");

    storage = fixture_open(fixture.path);
    json_t *vms;
    struct error err;
    cr_assert_eq(number(storage->writer, "PRAGMA user_version"), 5);
    cr_assert_eq(index_vms_of_device(storage, "pve1", "0000:01:00.0", &vms, &err), 0, "%s", err.message);
    fixture_expect_json(vms, "[{'vmid': 100, 'key': 'hostpci0'}]");
    storage_close(storage);
}

Test(storage_open, refuses_a_newer_database)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    storage_close(fixture_open(fixture.path));
    fixture_run_sql(&fixture, "PRAGMA user_version = 99");
    expect_refused_untouched(fixture.path, "written by a newer hostpci (schema 99");
}

Test(storage_open, refuses_the_database_of_another_program)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    fixture_run_sql(&fixture, "CREATE TABLE moz_places (url TEXT)");
    expect_refused_untouched(fixture.path, "database of another program");
    fixture_run_sql(&fixture, "PRAGMA application_id = 42; PRAGMA user_version = 1");
    expect_refused_untouched(fixture.path, "database of another program");
}

Test(storage_open, refuses_what_is_no_database)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    char text[4096];

    memset(text, 'x', sizeof(text));
    write_file(fixture.path, text, sizeof(text));
    expect_refused_untouched(fixture.path, "is not an SQLite database");
}

/* A database of many pages, closed. */
static void make_large(const char *path)
{
    struct storage *storage = fixture_open(path);
    struct change_set *set = change_set_new();
    struct error err;

    for (int i = 0; i < 2000; i++) {
        autofree char *id = xasprintf("group%d", i);
        change_set_put(set, "group", id, 0, json_pack("{s:s}", "comment", "one of very many groups"));
    }
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    storage_close(storage);
}

Test(storage_open, tells_of_damage_and_of_the_backup)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *data = NULL;
    size_t length;
    struct error err;

    make_large(fixture.path);
    cr_assert_eq(file_read(fixture.path, 1 << 24, &data, &length, &err), 0);
    memset(data + length / 2, 0xa5, 8192);
    write_file(fixture.path, data, length);
    expect_refused(fixture.path, ERROR_FAILED, "is damaged");
    expect_refused(fixture.path, ERROR_FAILED, "hostpci backup");
}

Test(storage_open, tells_of_a_file_that_was_cut)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct stat status;

    make_large(fixture.path);
    cr_assert_eq(stat(fixture.path, &status), 0);
    cr_assert_eq(truncate(fixture.path, status.st_size / 2), 0);
    expect_refused(fixture.path, ERROR_FAILED, "is damaged");
}

Test(storage_open, takes_an_empty_file_for_a_new_database)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    write_file(fixture.path, "", 0);
    autostorage struct storage *storage = fixture_open(fixture.path);
    fixture_put(storage, "group", "staff", "{}");
}

Test(storage_open, tells_of_a_read_only_file)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    storage_close(fixture_open(fixture.path));
    fixture_become_ordinary_user(&fixture);
    cr_assert_eq(chmod(fixture.path, 0400), 0);
    expect_refused(fixture.path, ERROR_FAILED, "is read-only");
}

Test(storage_open, tells_of_a_folder_that_it_may_not_write)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    fixture_become_ordinary_user(&fixture);
    cr_assert_eq(chmod(fixture.folder, 0500), 0);
    expect_refused(fixture.path, ERROR_FAILED, "Permission denied");
    cr_assert_eq(chmod(fixture.folder, 0700), 0);
}

Test(storage_open, tells_of_a_folder_that_is_missing)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *path = xasprintf("%s/nowhere/hostpci.db", fixture.folder);
    expect_refused(path, ERROR_FAILED, "No such file or directory");
}
