/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder, which root makes ready for the daemon's user. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/daemon/folders.h"
#include "tests/unit/storage/fixture.h"

static const struct user somebody = {"somebody", 4242, 4243};

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give files away");
}

static char *make_file(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    struct error err;

    cr_assert_eq(file_replace(path, "x", 1, 0600, &err), 0, "%s", err.message);
    return path;
}

static void expect(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat status;

    cr_assert_eq(lstat(path, &status), 0, "%s", path);
    cr_expect_eq(status.st_uid, uid, "%s: %u", path, status.st_uid);
    cr_expect_eq(status.st_gid, gid, "%s: %u", path, status.st_gid);
    cr_expect_eq(status.st_mode & 07777, mode, "%s: %o", path, status.st_mode & 07777);
}

Test(server_folders, state_folder_is_made_and_those_above_it_stay_open)
{
    autofixture struct fixture fixture;
    struct error err;

    need_root();
    fixture_make(&fixture);
    autofree char *above = xasprintf("%s/a", fixture.folder), *state = xasprintf("%s/b", above);
    umask(022);
    cr_assert_eq(folders_prepare_state(state, &somebody, &err), 0, "%s", err.message);
    expect(above, 0, 0, 0755);
    expect(state, 4242, 4243, 0700);
    cr_assert_eq(folders_prepare_state(state, &somebody, &err), 0, "%s", err.message);
}

Test(server_folders, files_of_ours_go_along_and_nothing_else)
{
    autofixture struct fixture fixture;
    struct error err;

    need_root();
    fixture_make(&fixture);
    autofree char *database = make_file(fixture.folder, "hostpci.db"),
                  *key = make_file(fixture.folder, "tls.key"), *other = make_file(fixture.folder, "other"),
                  *named_twice = make_file(fixture.folder, "precious"),
                  *second_name = xasprintf("%s/hostpci.db-wal", fixture.folder),
                  *link = xasprintf("%s/tls.pem", fixture.folder);

    cr_assert_eq(linkat(AT_FDCWD, named_twice, AT_FDCWD, second_name, 0), 0);
    cr_assert_eq(symlink(other, link), 0);
    cr_assert_eq(chmod(fixture.folder, 0750), 0);
    cr_assert_eq(folders_prepare_state(fixture.folder, &somebody, &err), 0, "%s", err.message);
    expect(fixture.folder, 4242, 4243, 0750);
    expect(database, 4242, 4243, 0600);
    expect(key, 4242, 4243, 0600);
    expect(other, 0, 0, 0600);
    expect(second_name, 0, 0, 0600);
    expect(link, 0, 0, 0777);
}

Test(server_folders, file_that_came_later_goes_along_too)
{
    autofixture struct fixture fixture;
    struct error err;

    need_root();
    fixture_make(&fixture);
    cr_assert_eq(folders_prepare_state(fixture.folder, &somebody, &err), 0, "%s", err.message);
    autofree char *restored = make_file(fixture.folder, "hostpci.db");
    cr_assert_eq(folders_prepare_state(fixture.folder, &somebody, &err), 0, "%s", err.message);
    expect(restored, 4242, 4243, 0600);
}

Test(server_folders, folder_of_somebody_else_is_refused)
{
    autofixture struct fixture fixture;
    struct error err;

    need_root();
    fixture_make(&fixture);
    autofree char *file = make_file(fixture.folder, "tls.key");
    cr_assert_eq(chmod(fixture.folder, 0755), 0);
    cr_expect_eq(folders_prepare_state(fixture.folder, &somebody, &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "contains files that hostpci did not create");
    expect(fixture.folder, 0, 0, 0755);
    expect(file, 0, 0, 0600);
}
