/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run folder, which holds the sockets of both halves. */
#include "broker/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* What may be in it: our sockets, what is left of them, and the folder of the VMs. */
static bool is_known(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "vm") == 0 ||
           text_starts_with(name, "hostpci.sock") || text_starts_with(name, "broker.sock");
}

/* Root must not inherit the VMs' folder from the user whose folder this was. */
static bool is_ours(int folder, const char *name)
{
    struct stat status;

    return strcmp(name, "vm") != 0 || geteuid() != 0 ||
           (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == 0);
}

struct content {
    bool ours, foreign;
};

/* A folder that cannot be read may hold anything. */
static struct content examine(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    struct content content = {.foreign = listing == NULL};
    const struct dirent *entry;

    if (listing == NULL) {
        cleanup_close(&fd);
        return content;
    }
    while ((entry = readdir(listing)) != NULL) {
        bool ours = is_known(entry->d_name) && is_ours(folder, entry->d_name);
        content.ours |= ours && entry->d_name[0] != '.';
        content.foreign |= !ours;
    }
    closedir(listing);
    return content;
}

static int refuse(const char *path, const char *why, struct error *err)
{
    return error_set(err, ERROR_CONFLICT,
                     "the folder '%s' %s: use --run-dir to choose a folder that nothing else uses", path,
                     why);
}

static int prepare_as_root(int folder, const char *path, const struct stat *status, struct error *err)
{
    struct content content = examine(folder);

    if ((status->st_mode & S_IWOTH) != 0)
        return refuse(path, "is writable by everybody, who could replace the sockets in it", err);
    if (!content.foreign)
        return fchown(folder, 0, 0) == 0 && fchmod(folder, 0755) == 0
                   ? 0
                   : error_set_errno(err, errno, "cannot give the run folder '%s' to root, with mode 0755",
                                     path);
    if (content.ours && status->st_uid == 0 && (status->st_mode & S_IWGRP) == 0)
        return 0;
    return refuse(path, "contains files that hostpci did not create", err);
}

/* A folder that belongs to root will do as well: the service manager has created the sockets in it. */
static int prepare_as_user(int folder, const char *path, const struct stat *status, struct error *err)
{
    if (status->st_uid == geteuid() && !examine(folder).foreign)
        return fchmod(folder, 0700) == 0
                   ? 0
                   : error_set_errno(err, errno, "cannot set mode 0700 on the run folder '%s'", path);
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (status->st_uid == geteuid() || status->st_uid == 0))
        return 0;
    return refuse(path, "is writable by others, who could replace the sockets in it", err);
}

int run_dir_prepare(const char *path, struct error *err)
{
    autofree char *copy = xstrdup(path);
    struct stat status;

    if (file_make_folder(dirname(copy), 0755, err) != 0 ||
        file_make_folder(path, geteuid() == 0 ? 0755 : 0700, err) != 0)
        return error_prefix(err, "--run-dir: ");
    autoclose int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, errno, "cannot open the folder '%s'", path);
    if (fstat(folder, &status) != 0)
        return error_set_errno(err, errno, "cannot examine the folder '%s'", path);
    return geteuid() == 0 ? prepare_as_root(folder, path, &status, err)
                          : prepare_as_user(folder, path, &status, err);
}
