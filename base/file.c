/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and replacing whole small files. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

int file_read(const char *path, size_t limit, char **ret, size_t *ret_length, struct error *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    autotext struct text content = {0};
    char block[4096];
    ssize_t count;

    if (fd < 0) {
        error_set_errno(err, errno, "cannot open '%s'", path);
        if (errno == ENOENT)
            err->kind = ERROR_NOT_FOUND;
        return -1;
    }
    while ((count = read(fd, block, sizeof(block))) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set_errno(err, errno, "cannot read '%s'", path);
        if (content.length + (size_t)count > limit)
            return error_set(err, ERROR_TOO_LARGE, "'%s' is larger than %zu bytes", path, limit);
        text_append_bytes(&content, block, (size_t)count);
    }
    if (ret_length != NULL)
        *ret_length = content.length;
    *ret = text_take(&content);
    return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        data += count;
        length -= (size_t)count;
    }
    return fsync(fd);
}

static int sync_folder_of(const char *path)
{
    autofree char *copy = xstrdup(path);
    autoclose int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : fsync(fd);
}

/* Writes the content to a temporary file, which `publish` then gives its name (0, or -1 and errno). */
static int write_file(const char *path, const void *data, size_t length, mode_t mode,
                      int (*publish)(const char *temporary, const char *path), struct error *err)
{
    autofree char *temporary = xasprintf("%s.XXXXXX", path);
    autoclose int fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot create '%s'", temporary);
    if (fchmod(fd, mode) != 0 || write_all(fd, data, length) != 0 || publish(temporary, path) != 0) {
        int reason = errno;
        error_set_errno(err, reason, "cannot write '%s'", path);
        err->kind = reason == EEXIST ? ERROR_CONFLICT : ERROR_FAILED;
        unlink(temporary);
        return -1;
    }
    if (sync_folder_of(path) != 0)
        return error_set_errno(err, errno, "cannot make '%s' durable", path);
    return 0;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
    return write_file(path, data, length, mode, rename, err);
}

/* Unlike rename(2), link(2) fails if the name is taken. */
static int name_anew(const char *temporary, const char *path)
{
    return link(temporary, path) != 0 ? -1 : unlink(temporary);
}

int file_create(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
    return write_file(path, data, length, mode, name_anew, err);
}

int file_make_folder(const char *path, mode_t mode, struct error *err)
{
    autofree char *partial = xstrdup(path);

    for (char *slash = strchr(partial + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST)
            return error_set_errno(err, errno, "cannot make the folder '%s'", partial);
        if (slash == NULL)
            return 0;
        *slash = '/';
    }
}

bool file_is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}
