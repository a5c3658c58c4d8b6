/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be wrong around the daemon: its disk, its database, its port, another daemon. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"

#define MAPPINGS "/cluster/mapping/pci"
#define ENTRY    "node=" NODE ",path=0000:01:00.0,id=10de:2484"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(state, .init = start, .timeout = 120);

/* What this process mounts from now on is seen by it and by the daemons it starts, and goes with them. */
static void begin_mounting(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        cr_skip_test("only root can mount");
    daemon_stop();
}

static void remount_read_only(const char *path)
{
    cr_assert_eq(mount(path, path, NULL, MS_BIND, NULL), 0);
    cr_assert_eq(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
}

/* Writes zeros until no more fits; the path, which the caller frees. */
static char *fill_disk(void)
{
    char *path = xasprintf("%s/filler", daemon_state());
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char zeros[4096];

    while (write(fd, zeros, sizeof(zeros)) > 0)
        continue;
    return path;
}

DAEMON_TEST(state, full_disk_is_told_and_nothing_is_half_there)
{
    autofree char *text = xcalloc(4001, 1);

    begin_mounting();
    memset(text, 'd', 4000);
    cr_assert_eq(mount("none", daemon_state(), "tmpfs", 0, "size=1m"), 0);
    daemon_start_again();
    post(MAPPINGS, "id", "kept", "map", ENTRY, NULL);
    autofree char *filler = fill_disk(), *before = document_dump();
    for (int i = 0; i < 3; i++) {
        const struct reply *reply =
            CALL(.method = "POST", .path = MAPPINGS,
                 .body = "id=other&map=node%3dpve1,path%3d0000:01:00.0,id%3d10de:2484");
        cr_assert_eq(reply->status, 500, "%u", reply->status);
        cr_assert_not_null(strstr(reply->phrase, "the disk is full"), "%s", reply->phrase);
    }
    autofree char *after = document_dump();
    cr_assert_str_eq(after, before);
    get(MAPPINGS "/kept", NULL);
    cr_assert_eq(unlink(filler), 0);
    post(MAPPINGS, "id", "other", "map", ENTRY, "description", text, NULL);
}

DAEMON_TEST(state, limit_on_files_is_as_a_full_disk)
{
    autofree char *text = xcalloc(4001, 1);
    int acknowledged = 0;

    memset(text, 'd', 4000);
    daemon_stop();
    START(.host = "workstation", .file_limit = 256 * 1024);
    for (; acknowledged < 200; acknowledged++) {
        autofree char *body =
            xasprintf("id=m%d&map=node%%3dpve1,path%%3d0000:01:00.0,id%%3d10de:2484&description=%s",
                      acknowledged, text);
        const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS, .body = body);
        if (reply->status != 200) {
            cr_assert_eq(reply->status, 500);
            cr_assert_not_null(strstr(reply->phrase, "hardware mapping failed: cannot write the database"),
                               "%s", reply->phrase);
            break;
        }
    }
    cr_assert_lt(acknowledged, 200);
    cr_assert_eq(json_array_size(get(MAPPINGS, NULL)), (size_t)acknowledged);
}

DAEMON_TEST(state, locked_database_is_told_and_can_be_read)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    sqlite3 *db = NULL;

    post(MAPPINGS, "id", "kept", "map", ENTRY, NULL);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS,
                                     .body = "id=other&map=node%3dpve1,path%3d0000:01:00.0,id%3d10de:2484");
    cr_assert_eq(reply->status, 503, "%u", reply->status);
    cr_assert_not_null(strstr(reply->phrase, "another program has locked it"), "%s", reply->phrase);
    cr_assert_eq(json_array_size(get(MAPPINGS, NULL)), 1);
    cr_assert_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    post(MAPPINGS, "id", "other", "map", ENTRY, NULL);
}

DAEMON_TEST(state, read_only_folder_or_database_is_refused_at_start)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());

    begin_mounting();
    remount_read_only(path);
    daemon_refuses(NULL, "is read-only; give the user of the daemon write permission");
    cr_assert_eq(umount(path), 0);
    remount_read_only(daemon_state());
    daemon_refuses(NULL, "cannot write in the state folder");
    cr_assert_eq(umount(daemon_state()), 0);
    daemon_start_again();
}

static void change_database(const char *sql)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    sqlite3 *db = NULL;

    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

DAEMON_TEST(state, newer_or_foreign_database_is_refused)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    autofree char *garbage = xcalloc(8192, 1);
    struct error err;

    daemon_stop();
    change_database("PRAGMA user_version = 999");
    daemon_refuses(NULL, "was written by a newer hostpci");
    change_database("PRAGMA user_version = 1; PRAGMA application_id = 7");
    daemon_refuses(NULL, "is a database of another program");
    memset(garbage, 'g', 8191);
    cr_assert_eq(file_replace(path, garbage, 8191, 0600, &err), 0);
    daemon_refuses(NULL, "it is not an SQLite database");
}

DAEMON_TEST(state, second_daemon_on_the_same_state_is_refused)
{
    autofree char *run = xasprintf("%s/run2", daemon_state()),
                  *state = xasprintf("%s/state2", daemon_state());

    daemon_refuses((const char *const[]){"--run-dir", run, NULL}, "another hostpci daemon uses");
    daemon_refuses((const char *const[]){"--state-dir", state, NULL}, "another daemon answers on");
    daemon_refuses(NULL, "another");
    get("/version", NULL);
    post(MAPPINGS, "id", "gpu", "map", ENTRY, NULL);
}

DAEMON_TEST(state, port_in_use_is_told)
{
    autofree char *run = xasprintf("%s/run2", daemon_state()),
                  *state = xasprintf("%s/state2", daemon_state());
    autofree char *text = xasprintf("cannot listen on '%s': Address already in use", daemon_url());

    daemon_refuses(
        (const char *const[]){"--run-dir", run, "--state-dir", state, "--listen", daemon_url(), NULL}, text);
    get("/version", NULL);
}

DAEMON_TEST(state, file_in_place_of_the_socket_is_left_alone)
{
    struct error err;

    daemon_stop();
    cr_assert_eq(file_replace(daemon_socket(), "precious", 8, 0600, &err), 0);
    daemon_refuses(NULL, "exists and is not a socket");
    cr_assert_eq(unlink(daemon_socket()), 0);
}

DAEMON_TEST(state, wrong_settings_are_told)
{
    autofree char *file = xasprintf("%s/config", daemon_state());
    struct error err;

    daemon_stop();
    daemon_refuses((const char *const[]){"--node", "not_a_name", NULL}, "cannot be a node's name");
    daemon_refuses((const char *const[]){"--sysroot", "/no/such/folder", NULL}, "/no/such/folder");
    daemon_refuses((const char *const[]){"--inventory", "sometimes", NULL}, "'cached' or 'fresh'");
    daemon_refuses((const char *const[]){"--threads", "0", NULL}, "threads must be a number from 1");
    daemon_refuses((const char *const[]){"--colour", "red", NULL}, "colour");
    cr_assert_eq(file_replace(file, "inventory = fresh\ncolour = red\n", 31, 0600, &err), 0);
    daemon_refuses((const char *const[]){"--config", file, NULL}, "line 2: there is no setting 'colour'");
}
