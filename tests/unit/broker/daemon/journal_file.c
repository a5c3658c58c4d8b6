/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's file: who may have it, and which files are refused. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/broker/test_journal.h"

Test(journal, is_for_one_broker)
{
    autotestjournal struct test_journal test;
    int status;

    test_journal_open(&test);
    pid_t child = fork();
    if (child == 0) {
        struct journal *second;
        struct error err;
        if (journal_open(test.folder, BOOT, &second, &err) == 0)
            _exit(1);
        fixture_expect_error(&err, ERROR_CONFLICT, "another broker uses");
        fixture_expect_error(&err, ERROR_CONFLICT, "--broker-dir");
        _exit(0);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

/* A worker that the kernel holds outlives its broker, and must not keep the next one out. */
Test(journal, a_child_of_the_broker_does_not_hold_it)
{
    autotestjournal struct test_journal test;

    test_journal_open(&test);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    test_journal_open_again(&test, BOOT);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(journal, is_for_its_user_alone)
{
    autotestjournal struct test_journal test;
    struct journal *journal = NULL;
    struct stat status;
    struct error err;

    test_journal_open(&test);
    cr_assert_eq(stat(test.folder, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0700);
    autofree char *file = xasprintf("%s/journal.db", test.folder);
    cr_assert_eq(stat(file, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);

    journal_close(TAKE(test.journal));
    cr_assert_eq(chmod(test.folder, 0720), 0);
    cr_assert_eq(journal_open(test.folder, BOOT, &journal, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "others may write in");
    cr_assert_null(journal);
}

static void expect_refused(struct test_journal *test, const char *part)
{
    struct journal *journal = NULL;
    struct error err;

    cr_assert_eq(journal_open(test->folder, BOOT, &journal, &err), -1);
    cr_assert_null(journal);
    fixture_expect_error(&err, ERROR_FAILED, part);
    fixture_expect_error(&err, ERROR_FAILED, "journal.db");
}

static void change_file(struct test_journal *test, const char *sql)
{
    autofree char *file = xasprintf("%s/journal.db", test->folder);
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(file, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(journal, refuses_a_file_that_it_does_not_know)
{
    autotestjournal struct test_journal test;

    test_journal_open(&test);
    journal_close(TAKE(test.journal));
    change_file(&test, "PRAGMA user_version = 2");
    expect_refused(&test, "its schema is 2, not 1");
    change_file(&test, "PRAGMA user_version = 1; PRAGMA application_id = 5");
    expect_refused(&test, "not a journal that this broker can read");
}

Test(journal, refuses_a_damaged_file)
{
    autotestjournal struct test_journal test;
    autofree char *content = NULL;
    size_t length;
    struct error err;

    test_journal_open(&test);
    for (int i = 0; i < 50; i++) {
        autofree char *id = xasprintf("UPID:%d", i);
        test_journal_start(&test, id);
    }
    journal_close(TAKE(test.journal));
    autofree char *file = xasprintf("%s/journal.db", test.folder);
    cr_assert_eq(file_read(file, 1 << 20, &content, &length, &err), 0);
    memset(content + 4096, 0x5a, length - 4096);
    cr_assert_eq(file_replace(file, content, length, 0600, &err), 0);
    expect_refused(&test, "damaged");
    cr_assert_eq(file_replace(file, "this is no database at all", 26, 0600, &err), 0);
    expect_refused(&test, "not an SQLite database");
}
