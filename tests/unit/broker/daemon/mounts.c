/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a broker that was started by hand can still do to the host's files. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/mounts.h"
#include "tests/unit/hardware/fixture.h"

static struct tree the;
static char *ours, *other;

static void make_folders(void)
{
    tree_make(&the);
    tree_write(&the, "ours/file", "x");
    tree_write(&the, "other/file", "x");
    ours = xasprintf("%s/ours", the.path);
    other = xasprintf("%s/other", the.path);
}

static void remove_folders(void)
{
    tree_remove(&the);
    free(ours);
    free(other);
}

TestSuite(broker_mounts, .init = make_folders, .fini = remove_folders);

/* Runs in a child with mounts of its own; 0 is what `body` returns if all is well. */
static void in_restricted_after(int (*before)(void), int (*body)(void))
{
    struct error err;
    int status;

    if (geteuid() != 0)
        cr_skip_test("only root has something to give up");
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(98);
        if (before != NULL && before() != 0)
            _exit(97);
        _exit(mounts_restrict((const char *const[MOUNTS_OWN]){ours}, &err) == 0 ? body() : 99);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "wait status %d", status);
    if (WEXITSTATUS(status) == 98)
        cr_skip_test("this machine lets nobody make a mount namespace");
    cr_assert_eq(WEXITSTATUS(status), 0);
}

/* 0, or the errno. */
static int try_to_write(const char *folder, const char *name)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    return fd >= 0 ? 0 : errno;
}

static void in_restricted(int (*body)(void))
{
    in_restricted_after(NULL, body);
}

static int write_here_and_there(void)
{
    if (try_to_write(ours, "file") != 0 || try_to_write(ours, "new") != 0)
        return 1;
    if (try_to_write(other, "file") != EROFS || try_to_write(other, "new") != EROFS)
        return 2;
    if (try_to_write("/etc", "hostpci-test") != EROFS || try_to_write("/usr/bin", "hostpci-test") != EROFS)
        return 3;
    return 0;
}

Test(broker_mounts, only_our_folders_can_be_written_to)
{
    in_restricted(write_here_and_there);
}

static int write_by_relative_path(void)
{
    return try_to_write(".", "new") == 0 && try_to_write("../other", "new") == EROFS ? 0 : 1;
}

Test(broker_mounts, working_folder_is_one_of_them_still)
{
    cr_assert_eq(chdir(ours), 0);
    in_restricted(write_by_relative_path);
    cr_assert_eq(chdir("/"), 0);
}

static bool is_read_only(const char *path)
{
    struct statvfs status;

    return statvfs(path, &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

static int look_at_kernel(void)
{
    if (is_read_only("/sys") || is_read_only("/proc"))
        return 1;
    return access("/sys/fs/cgroup", F_OK) != 0 || is_read_only("/sys/fs/cgroup") ? 0 : 2;
}

Test(broker_mounts, kernel_can_be_written_to_but_not_the_control_groups)
{
    in_restricted(look_at_kernel);
}

static int try_device(const char *path)
{
    autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 ? 0 : errno;
}

static int open_devices(void)
{
    if (try_device("/dev/null") != 0 || try_device("/dev/urandom") != 0 || try_device("/dev/kmsg") == EACCES)
        return 1;
    return try_device("/dev/tty") == EACCES && try_device("/dev/ptmx") == EACCES ? 0 : 2;
}

Test(broker_mounts, devices_cannot_be_opened)
{
    in_restricted(open_devices);
}

static int look_at_homes(void)
{
    DIR *home = opendir("/root");
    unsigned count = 0;

    if (home == NULL)
        return 1;
    for (const struct dirent *entry; (entry = readdir(home)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(home);
    return count == 0 ? 0 : 2;
}

Test(broker_mounts, homes_are_empty)
{
    in_restricted(look_at_homes);
}

static int empty_etc(void)
{
    return mount("tmpfs", "/etc", "tmpfs", 0, NULL);
}

static int look_at_etc(void)
{
    return access("/etc/mdevctl.d", F_OK) == 0 ? 1 : 0;
}

/* The first folder is a sysroot here. */
static int host_mounts = -1;

static int mount_disk(void)
{
    host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    return host_mounts >= 0 && mount("disk", other, "tmpfs", 0, NULL) == 0 ? 0 : 1;
}

static bool is_mounted(void)
{
    autofree char *file = xasprintf("%s/file", other);

    return access(file, F_OK) != 0; /* it lies below */
}

static int unmount_for_host(void)
{
    int status;

    if (!is_mounted())
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(setns(host_mounts, CLONE_NEWNS) == 0 && umount2(other, 0) == 0 ? 0 : 1);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return 2;
    return is_mounted() ? 3 : 0;
}

/* Else its disk could be taken away with the file system still alive. */
Test(broker_mounts, what_the_host_unmounts_the_broker_does_not_hold)
{
    in_restricted_after(mount_disk, unmount_for_host);
}

Test(broker_mounts, nothing_is_made_on_this_host_if_another_is_meant)
{
    in_restricted_after(empty_etc, look_at_etc);
}

/* What the unit lets the broker write to it may write to also when it was started by hand, and the reverse.
 */
Test(broker_mounts, are_as_in_the_unit)
{
    autofree char *unit = NULL;
    autotext struct text expected = {0};
    struct error err;

    cr_assert_eq(file_read("dist/hostpci-broker.service", 65536, &unit, NULL, &err), 0, "%s", err.message);
    for (const char *const *path = mounts_writable; *path != NULL; path++)
        text_printf(&expected, "ReadWritePaths=-%s\n", *path);
    const char *at = unit;
    autotext struct text found = {0};
    while ((at = strstr(at, "\nReadWritePaths=")) != NULL) {
        at++;
        text_printf(&found, "%.*s\n", (int)strcspn(at, "\n"), at);
    }
    cr_expect_str_eq(text_string(&found), text_string(&expected));
}
