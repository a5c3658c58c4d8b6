/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may put something into the run folder. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/run_dir.h"
#include "tests/unit/hardware/fixture.h"

#define SOMEBODY 4242

static char *make_in(const struct tree *tree, const char *name, uid_t uid, mode_t mode)
{
    char *path = xasprintf("%s/%s", tree->path, name);

    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert(chown(path, uid, uid) == 0 && chmod(path, mode) == 0);
    return path;
}

static void put(const char *folder, const char *name)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    struct error err;

    cr_assert_eq(file_replace(path, "x", 1, 0600, &err), 0, "%s", err.message);
}

static void expect(const char *path, uid_t uid, mode_t mode)
{
    struct stat status;

    cr_assert_eq(lstat(path, &status), 0, "%s", path);
    cr_expect_eq(status.st_uid, uid, "%s: %u", path, status.st_uid);
    cr_expect_eq(status.st_mode & 07777, mode, "%s: %o", path, status.st_mode & 07777);
}

static void expect_accepted(const char *path, uid_t uid, mode_t mode)
{
    struct error err;

    cr_expect_eq(run_dir_prepare(path, &err), 0, "%s", err.message);
    expect(path, uid, mode);
}

static void expect_refused(const char *path, const char *why)
{
    struct stat before, after;
    struct error err;

    cr_assert_eq(lstat(path, &before), 0);
    cr_assert_eq(run_dir_prepare(path, &err), -1, "%s", path);
    cr_expect(err.kind == ERROR_CONFLICT && strstr(err.message, why) != NULL, "%s", err.message);
    cr_expect_not_null(strstr(err.message, "use --run-dir to choose a folder that nothing else uses"), "%s",
                       err.message);
    cr_assert_eq(lstat(path, &after), 0);
    cr_expect(before.st_uid == after.st_uid && before.st_mode == after.st_mode, "it stays as it is");
}

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give files away");
}

Test(run_dir, that_of_root_is_closed_to_others)
{
    __attribute__((cleanup(tree_remove))) struct tree tree;

    need_root();
    tree_make(&tree);
    umask(0077);
    autofree char *made = xasprintf("%s/a/run", tree.path), *above = xasprintf("%s/a", tree.path);
    autofree char *former = make_in(&tree, "former", 0, 01775);
    autofree char *foreign = make_in(&tree, "foreign", SOMEBODY, 0755);
    expect_accepted(made, 0, 0755);
    put(former, "hostpci.sock");
    put(former, "broker.sock.new");
    expect_accepted(former, 0, 0755);
    expect_accepted(foreign, 0, 0755);
    expect_accepted(foreign, 0, 0755);
}

Test(run_dir, root_takes_no_folder_that_is_not_ours)
{
    __attribute__((cleanup(tree_remove))) struct tree tree;

    need_root();
    tree_make(&tree);
    autofree char *home = make_in(&tree, "home", SOMEBODY, 0755), *etc = make_in(&tree, "etc", 0, 0755);
    autofree char *shared = make_in(&tree, "shared", 0, 01777);
    put(home, ".profile");
    put(home, "hostpci.sock");
    put(etc, "passwd");
    expect_refused(etc, "contains files that hostpci did not create");
    put(etc, "hostpci.sock");
    expect_accepted(etc, 0, 0755);
    cr_assert_eq(chmod(etc, 0775), 0);
    expect_refused(etc, "contains files that hostpci did not create");
    expect_refused(home, "contains files that hostpci did not create");
    autofree char *user = make_in(&tree, "user", SOMEBODY, 0700),
                  *vm = make_in(&tree, "user/vm", SOMEBODY, 0777);
    expect_refused(user, "contains files that hostpci did not create");
    cr_assert_eq(chown(vm, 0, 0), 0);
    expect_accepted(user, 0, 0755);
    expect_refused(shared, "is writable by everybody");
    put(shared, "hostpci.sock");
    expect_refused(shared, "is writable by everybody");
}

Test(run_dir, that_of_a_user_is_its_own)
{
    __attribute__((cleanup(tree_remove))) struct tree tree;

    tree_make(&tree);
    cr_assert_eq(chmod(tree.path, 0777), 0);
    autofree char *made = xasprintf("%s/run", tree.path);
    bool root = geteuid() == 0;
    uid_t user = root ? SOMEBODY : geteuid();
    autofree char *open = make_in(&tree, "open", user, 0775);
    autofree char *others = make_in(&tree, "others", user, 0775);
    autofree char *of_root = root ? make_in(&tree, "of-root", 0, 0755) : NULL;
    autofree char *shared = root ? make_in(&tree, "shared", 0, 01777) : NULL;
    put(others, "notes");
    if (root)
        cr_assert_eq(setresuid(user, user, 0), 0);
    expect_accepted(made, user, 0700);
    expect_accepted(open, user, 0700);
    expect_refused(others, "is writable by others");
    if (root) {
        expect_accepted(of_root, 0, 0755);
        expect_refused(shared, "is writable by others");
        cr_assert_eq(setresuid(0, 0, 0), 0);
    }
}
