/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and replacing whole small files. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
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

/* A draft has no name as long as it is written, so that nothing is left of it if we are killed. File systems
 * that cannot do that give it the temporary one. */
struct draft {
    int fd;
    bool nameless;
    char *temporary;
};

static int open_draft(const char *path, struct draft *ret)
{
    autofree char *copy = xstrdup(path);
    char random[UUID_SIZE];

    uuid_make(random);
    ret->temporary = xasprintf("%s.%.8s", path, random);
    ret->fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    ret->nameless = ret->fd >= 0;
    if (!ret->nameless)
        ret->fd = open(ret->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    return ret->fd;
}

static int name_draft(const struct draft *draft, const char *name)
{
    char self[32];

    if (!draft->nameless)
        return link(draft->temporary, name);
    snprintf(self, sizeof(self), "/proc/self/fd/%d", draft->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Unlike rename(2), link(2) fails if the name is taken. */
static int publish(const struct draft *draft, const char *path, bool replace)
{
    if (!replace)
        return name_draft(draft, path);
    if (draft->nameless && name_draft(draft, draft->temporary) != 0)
        return -1;
    if (rename(draft->temporary, path) == 0)
        return 0;
    int reason = errno;
    unlink(draft->temporary);
    errno = reason;
    return -1;
}

static int write_draft(const struct draft *draft, const char *path, const void *data, size_t length,
                       mode_t mode, bool replace, struct error *err)
{
    int result = 0;

    if (fchmod(draft->fd, mode) != 0 || write_all(draft->fd, data, length) != 0 ||
        publish(draft, path, replace) != 0) {
        int reason = errno;
        error_set_errno(err, reason, "cannot write '%s'", path);
        err->kind = reason == EEXIST ? ERROR_CONFLICT : ERROR_FAILED;
        result = -1;
    }
    if (!draft->nameless)
        unlink(draft->temporary); /* renamed already if it replaced the file */
    return result;
}

static int write_file(const char *path, const void *data, size_t length, mode_t mode, bool replace,
                      struct error *err)
{
    struct draft draft;
    int result = 0;

    if (open_draft(path, &draft) < 0)
        result = error_set_errno(err, errno, "cannot create '%s'", draft.temporary);
    else
        result = write_draft(&draft, path, data, length, mode, replace, err);
    if (draft.fd >= 0)
        close(draft.fd);
    free(draft.temporary);
    if (result == 0 && sync_folder_of(path) != 0)
        return error_set_errno(err, errno, "cannot make '%s' durable", path);
    return result;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
    return write_file(path, data, length, mode, true, err);
}

int file_create(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
    return write_file(path, data, length, mode, false, err);
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
