/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepares the daemon's state folder for its user. */
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

/* Returns the folder's descriptor, or -1. Missing parents are made, with mode 0755. */
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

/* Opens the folder again, because duplicates of a descriptor share the offset of the listing. */
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

static bool is_ours(int folder)
{
    return faccessat(folder, "hostpci.db", F_OK, AT_SYMLINK_NOFOLLOW) == 0 || is_empty(folder);
}

/* hostpci.db with its journal and its lock, tls.pem and tls.key, auth.key and its predecessors. */
static bool is_state_file(const char *name)
{
    return text_starts_with(name, "hostpci.db") || text_starts_with(name, "tls.") ||
           text_starts_with(name, "auth.key");
}

/* Nobody else can change the folder during this. A file with a second link is skipped, since that link could
 * be anywhere. */
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

/* Whether the user owns each of our regular files already. */
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

/* While the owners of its files change, the folder belongs to root alone: otherwise its user could replace a
 * file between the check and the chown. If this is interrupted, the folder stays root's, and the next start
 * completes it. */
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
        return error_set_errno(err, errno, "cannot examine the folder '%s'", path);
    if (status.st_uid == user->uid && all_given(folder, user))
        return 0;
    if (status.st_uid != user->uid && !is_ours(folder))
        return error_set(
            err, ERROR_CONFLICT,
            "the folder '%s' contains files that hostpci did not create, and would be given to its user: use "
            "--state-dir to choose a folder that nothing else uses",
            path);
    if (give_folder(folder, status.st_mode & 07777, user) != 0)
        return error_set_errno(err, errno, "cannot give the state folder '%s' to the user %s", path,
                               user->name);
    log_info("the state folder '%s' now belongs to the user %s", path, user->name);
    return 0;
}
