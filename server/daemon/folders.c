/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders that root makes ready for the daemon's user. */
#include "server/daemon/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define RUN_MODE (S_ISVTX | 0775)

static const char *const state_marks[] = {"hostpci.db", NULL};
static const char *const run_marks[] = {"hostpci.sock", "hostpci.sock.new", "broker.sock", "broker.sock.new",
                                        NULL};

/* The folder's descriptor, or -1. Those above it stay open to all. */
static int make_folder(const char *path, mode_t mode, struct error *err)
{
    autofree char *copy = xstrdup(path);

    if (file_make_folder(dirname(copy), 0755, err) != 0 || file_make_folder(path, mode, err) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        error_set_errno(err, errno, "cannot open the folder '%s'", path);
    return fd;
}

static void close_listing(DIR **listing)
{
    if (*listing != NULL)
        closedir(*listing);
}
#define autolisting __attribute__((cleanup(close_listing)))

/* Its own descriptor, as the listing's offset is shared between copies of one. */
static DIR *open_listing(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);

    if (listing == NULL && fd >= 0)
        close(fd);
    return listing;
}

static bool is_empty(int folder)
{
    autolisting DIR *listing = open_listing(folder);
    const struct dirent *entry;

    if (listing == NULL)
        return false;
    do
        entry = readdir(listing);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry == NULL;
}

static bool is_ours(int folder, const char *const *marks)
{
    for (; *marks != NULL; marks++)
        if (faccessat(folder, *marks, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    return is_empty(folder);
}

static int refuse_foreign(const char *path, const char *option, struct error *err)
{
    return error_set(
        err, ERROR_CONFLICT,
        "the folder '%s' holds something else than this daemon's files, and would have to be given "
        "to its user: give a folder of its own with --%s",
        path, option);
}

/* hostpci.db, its companions and its lock; tls.pem and tls.key; auth.key and retired ones. */
static bool is_state_file(const char *name)
{
    return text_starts_with(name, "hostpci.db") || text_starts_with(name, "tls.") ||
           text_starts_with(name, "auth.key");
}

/* In a folder that nobody else can change meanwhile. Another name of the file could lead anywhere. */
static int give_file(int folder, const char *name, const struct user *user)
{
    struct stat status;
    autoclose int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
        return 0;
    return fchown(fd, user->uid, user->gid);
}

static int give_files(int folder, const struct user *user)
{
    autolisting DIR *listing = open_listing(folder);
    const struct dirent *entry;

    if (listing == NULL)
        return -1;
    while ((entry = readdir(listing)) != NULL)
        if (is_state_file(entry->d_name) && give_file(folder, entry->d_name, user) != 0)
            return -1;
    return 0;
}

/* Whether each plain file of ours is the user's already. */
static bool all_given(int folder, const struct user *user)
{
    autolisting DIR *listing = open_listing(folder);
    const struct dirent *entry;
    struct stat status;

    while (listing != NULL && (entry = readdir(listing)) != NULL)
        if (is_state_file(entry->d_name) &&
            fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
            status.st_uid != user->uid)
            return false;
    return listing != NULL;
}

/* The folder is root's alone while files in it change hands: else its user could put another file's name in
 * the place of one that was looked at. Cut off in the middle, it is root's and the next start goes on. */
static int give_folder(int folder, mode_t mode, const struct user *user)
{
    if (fchown(folder, 0, 0) != 0 || fchmod(folder, 0700) != 0 || give_files(folder, user) != 0)
        return -1;
    if (fchmod(folder, mode) != 0)
        return -1;
    return fchown(folder, user->uid, user->gid);
}

int folders_prepare_state(const char *path, const struct user *user, struct error *err)
{
    struct stat status;
    autoclose int folder = make_folder(path, 0700, err);

    if (folder < 0)
        return error_prefix(err, "--state-dir: ");
    if (fstat(folder, &status) != 0)
        return error_set_errno(err, errno, "cannot look at the folder '%s'", path);
    if (status.st_uid == user->uid && all_given(folder, user))
        return 0;
    if (status.st_uid != user->uid && !is_ours(folder, state_marks))
        return refuse_foreign(path, "state-dir", err);
    if (give_folder(folder, status.st_mode & 07777, user) != 0)
        return error_set_errno(err, errno, "cannot give the state folder '%s' to the user %s", path,
                               user->name);
    log_info("the state folder '%s' belongs to the user %s now", path, user->name);
    return 0;
}

/* Root's and sticky: nobody but root can rename or remove what root has put there. */
static bool is_shared(const struct stat *status, const struct user *user)
{
    if (status->st_uid != 0 || !(status->st_mode & S_ISVTX))
        return false;
    return status->st_mode & S_IWOTH || (status->st_mode & S_IWGRP && status->st_gid == user->gid);
}

int folders_prepare_run(const char *path, const struct user *user, struct error *err)
{
    struct stat status;
    autoclose int folder = make_folder(path, 0755, err);

    if (folder < 0)
        return error_prefix(err, "--run-dir: ");
    if (fstat(folder, &status) != 0)
        return error_set_errno(err, errno, "cannot look at the folder '%s'", path);
    if (!is_shared(&status, user)) {
        if (!is_ours(folder, run_marks))
            return refuse_foreign(path, "run-dir", err);
        if (fchown(folder, 0, user->gid) != 0 || fchmod(folder, RUN_MODE) != 0)
            return error_set_errno(err, errno, "cannot make the run folder '%s' usable for the user %s", path,
                                   user->name);
    }
    return 0;
}
