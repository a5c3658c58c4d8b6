/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup: the copy is whole, of one moment, and never replaces anything. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

static char *in_folder(const struct fixture *fixture, const char *name)
{
    return xasprintf("%s/%s", fixture->folder, name);
}

static void expect_refused(const char *database, const char *target, enum error_kind kind, const char *part)
{
    struct error err;

    cr_assert_eq(storage_backup_file(database, target, &err), -1);
    fixture_expect_error(&err, kind, part);
}

Test(storage_backup, can_be_opened_in_place_of_the_original)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *copy = in_folder(&fixture, "backup");
    struct storage *storage = fixture_open(fixture.path);
    struct stat status;
    struct error err;

    fixture_put(storage, "group", "staff", "{'comment': 'all of us'}");
    fixture_put(storage, "group", "staff", "{'comment': 'all'}");
    cr_assert_eq(storage_backup_file(fixture.path, copy, &err), 0, "%s", err.message);
    storage_close(storage);
    cr_assert_eq(stat(copy, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    storage = fixture_open(copy);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 2);
    storage_close(storage);
}

Test(storage_backup, works_without_a_daemon)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *copy = in_folder(&fixture, "backup");
    struct storage *storage = fixture_open(fixture.path);
    struct error err;

    fixture_put(storage, "group", "staff", "{}");
    storage_close(storage);
    cr_assert_eq(storage_backup_file(fixture.path, copy, &err), 0, "%s", err.message);
    storage = fixture_open(copy);
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 1);
    storage_close(storage);
}

struct load {
    struct storage *storage;
    atomic_bool stop;
    atomic_int rounds;
    int result;
    struct error err;
};

/* Two documents that always change together. A thread asserts nothing: it keeps the error for the test. */
static void *write_pairs(void *context)
{
    struct load *load = context;

    for (int i = 0; !atomic_load(&load->stop) && load->result == 0; i++) {
        struct change_set *set = change_set_new();
        change_set_put(set, "pair", "left", REVISION_ANY, json_pack("{s:i}", "n", i));
        change_set_put(set, "pair", "right", REVISION_ANY, json_pack("{s:i}", "n", i));
        load->result = storage_commit(load->storage, set, &load->err);
        atomic_store(&load->rounds, i + 1);
    }
    return NULL;
}

static void expect_a_pair(const char *path)
{
    autostorage struct storage *copy = fixture_open(path);
    autojson json_t *pair = NULL;
    struct error err;

    cr_assert_eq(object_list(copy, "pair", &pair, &err), 0);
    cr_assert_eq(json_object_size(pair), 2);
    cr_assert(json_equal(json_object_get(pair, "left"), json_object_get(pair, "right")));
}

Test(storage_backup, is_of_one_moment_while_the_daemon_writes)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct load load = {.storage = storage};
    pthread_t writer;
    struct error err;

    cr_assert_eq(pthread_create(&writer, NULL, write_pairs, &load), 0);
    while (atomic_load(&load.rounds) == 0)
        usleep(1000);
    for (int i = 0; i < 10; i++) {
        autofree char *name = xasprintf("%s/backup%d", fixture.folder, i);
        cr_assert_eq(storage_backup_file(fixture.path, name, &err), 0, "%s", err.message);
        expect_a_pair(name);
    }
    atomic_store(&load.stop, true);
    pthread_join(writer, NULL);
    cr_assert_eq(load.result, 0, "%s", load.err.message);
}

Test(storage_backup, overwrites_nothing)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autofree char *copy = in_folder(&fixture, "precious"), *content = NULL;
    struct error err;

    cr_assert_eq(file_replace(copy, "diary", 5, 0600, &err), 0);
    expect_refused(fixture.path, copy, ERROR_CONFLICT, "exists already");
    expect_refused(fixture.path, fixture.path, ERROR_CONFLICT, "exists already");
    cr_assert_eq(file_read(copy, 100, &content, NULL, &err), 0);
    cr_assert_str_eq(content, "diary");
}

Test(storage_backup, takes_the_target_for_a_file_name_and_nothing_else)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct stat status;
    struct error err;

    cr_assert_eq(chdir(fixture.folder), 0);
    cr_assert_eq(storage_backup_file(fixture.path, ":memory:", &err), 0, "%s", err.message);
    cr_assert_eq(stat(":memory:", &status), 0);
    cr_assert_gt(status.st_size, 0);
}

Test(storage_backup, tells_what_it_cannot_find)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *copy = in_folder(&fixture, "backup"), *nowhere = in_folder(&fixture, "nowhere/backup");

    expect_refused(fixture.path, copy, ERROR_FAILED, fixture.path);
    cr_assert_neq(access(copy, F_OK), 0);
    storage_close(fixture_open(fixture.path));
    expect_refused(fixture.path, nowhere, ERROR_FAILED, "No such file or directory");
}

Test(storage_backup, removes_what_it_could_not_finish)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autofree char *copy = in_folder(&fixture, "backup");

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(const struct rlimit){4096, 4096}), 0);
    expect_refused(fixture.path, copy, ERROR_FAILED, copy);
    cr_assert_neq(access(copy, F_OK), 0);
}
