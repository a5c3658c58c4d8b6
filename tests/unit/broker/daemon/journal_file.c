/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's file: whose it is, and which ones are refused. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/broker/desk.h"

Test(journal, is_for_one_broker)
{
    autodesk struct desk desk;
    int status;

    desk_open(&desk);
    pid_t child = fork();
    if (child == 0) {
        struct journal *second;
        struct error err;
        if (journal_open(desk.folder, BOOT, &second, &err) == 0)
            _exit(1);
        fixture_expect_error(&err, ERROR_CONFLICT, "another broker uses");
        fixture_expect_error(&err, ERROR_CONFLICT, "--broker-dir");
        _exit(0);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

/* A worker that hangs in the kernel lives longer than its broker, and must not keep the next one out. */
Test(journal, a_child_of_the_broker_does_not_hold_it)
{
    autodesk struct desk desk;

    desk_open(&desk);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    desk_open_again(&desk, BOOT);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(journal, is_for_its_user_alone)
{
    autodesk struct desk desk;
    struct journal *journal = NULL;
    struct stat status;
    struct error err;

    desk_open(&desk);
    cr_assert_eq(stat(desk.folder, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0700);
    autofree char *file = xasprintf("%s/journal.db", desk.folder);
    cr_assert_eq(stat(file, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);

    journal_close(TAKE(desk.journal));
    cr_assert_eq(chmod(desk.folder, 0720), 0);
    cr_assert_eq(journal_open(desk.folder, BOOT, &journal, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "others may write in");
    cr_assert_null(journal);
}

static void expect_refused(struct desk *desk, const char *part)
{
    struct journal *journal = NULL;
    struct error err;

    cr_assert_eq(journal_open(desk->folder, BOOT, &journal, &err), -1);
    cr_assert_null(journal);
    fixture_expect_error(&err, ERROR_FAILED, part);
    fixture_expect_error(&err, ERROR_FAILED, "journal.db");
}

static void change_file(struct desk *desk, const char *sql)
{
    autofree char *file = xasprintf("%s/journal.db", desk->folder);
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(file, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(journal, refuses_a_file_that_it_does_not_know)
{
    autodesk struct desk desk;

    desk_open(&desk);
    journal_close(TAKE(desk.journal));
    change_file(&desk, "PRAGMA user_version = 2");
    expect_refused(&desk, "schema 2, it knows 1");
    change_file(&desk, "PRAGMA user_version = 1; PRAGMA application_id = 5");
    expect_refused(&desk, "not a journal that this broker knows");
}

Test(journal, refuses_a_damaged_file)
{
    autodesk struct desk desk;
    autofree char *content = NULL;
    size_t length;
    struct error err;

    desk_open(&desk);
    for (int i = 0; i < 50; i++) {
        autofree char *id = xasprintf("UPID:%d", i);
        desk_start(&desk, id);
    }
    journal_close(TAKE(desk.journal));
    autofree char *file = xasprintf("%s/journal.db", desk.folder);
    cr_assert_eq(file_read(file, 1 << 20, &content, &length, &err), 0);
    memset(content + 4096, 0x5a, length - 4096);
    cr_assert_eq(file_replace(file, content, length, 0600, &err), 0);
    expect_refused(&desk, "damaged");
    cr_assert_eq(file_replace(file, "this is no database at all", 26, 0600, &err), 0);
    expect_refused(&desk, "not an SQLite database");
}
