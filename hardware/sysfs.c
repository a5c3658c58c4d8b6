/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only door to /sys, /proc and the other host files. */
#include "hardware/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

struct sysroot {
    char *path; /* absolute, without links */
    int fd;
};

int sysroot_open(const char *path, struct sysroot **ret, struct error *err)
{
    autofree char *real = realpath(path, NULL);
    int fd = real != NULL ? open(real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot use '%s' as the host's root folder", path);
    *ret = xcalloc(1, sizeof(**ret));
    (*ret)->path = TAKE(real);
    (*ret)->fd = fd;
    return 0;
}

void sysroot_close(struct sysroot *sysroot)
{
    if (sysroot == NULL)
        return;
    close(sysroot->fd);
    free(sysroot->path);
    free(sysroot);
}

bool sysroot_is_host(const struct sysroot *sysroot)
{
    return strcmp(sysroot->path, "/") == 0;
}

int sysroot_fd(const struct sysroot *sysroot)
{
    return sysroot->fd;
}

char *sysroot_join(const struct sysroot *sysroot, const char *path)
{
    return xasprintf("%s/%s", sysroot_is_host(sysroot) ? "" : sysroot->path, path);
}

sysfs_hook_function *sysfs_hook;

/* 1 to go on; anything else is what the caller returns. */
static int ask_hook(enum sysfs_access access, int folder, const char *path, const char *value)
{
    return sysfs_hook == NULL ? 1 : sysfs_hook(access, folder, path, value);
}

int sysfs_open_folder(int folder, const char *path)
{
    int hooked = ask_hook(SYSFS_OPEN, folder, path, NULL);

    if (hooked != 1)
        return hooked;
    int fd = openat(folder, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* O_NONBLOCK, because a tree that only looks like a host may have a pipe there. */
static int open_file(int folder, const char *path)
{
    int hooked = ask_hook(SYSFS_READ, folder, path, NULL);

    if (hooked != 1)
        return hooked;
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int sysfs_read_bytes(int folder, const char *path, void *buffer, size_t size)
{
    autoclose int fd = open_file(folder, path);
    char more;

    if (fd < 0)
        return fd;
    ssize_t length = TEMP_FAILURE_RETRY(read(fd, buffer, size));
    if (length < 0)
        return -errno;
    if (length == (ssize_t)size && read(fd, &more, 1) > 0)
        return -EFBIG;
    return (int)length;
}

/* Terminates and cleans what was read, and returns its length. */
static int finish_text(char *buffer, int length)
{
    for (int i = 0; i < length; i++)
        if ((unsigned char)buffer[i] >= 0x7f || (buffer[i] < ' ' && buffer[i] != '\n' && buffer[i] != '\t'))
            buffer[i] = '?';
    if (length > 0 && buffer[length - 1] == '\n')
        length--;
    buffer[length] = '\0';
    return length;
}

int sysfs_read(int folder, const char *path, char *buffer, size_t size)
{
    int length = sysfs_read_bytes(folder, path, buffer, size - 1);

    return length < 0 ? length : finish_text(buffer, length);
}

/* Up to the end of the file or of the buffer, since a long file of /proc comes in pieces. */
static ssize_t read_fully(int fd, char *buffer, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t count = TEMP_FAILURE_RETRY(read(fd, buffer + used, size - used));
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        used += (size_t)count;
    }
    return (ssize_t)used;
}

/* There is room for one byte more than the length that is returned. */
static int read_content(int folder, const char *path, size_t limit, char **ret)
{
    autoclose int fd = open_file(folder, path);
    autofree char *content = NULL;
    size_t length = 0;

    if (fd < 0)
        return fd;
    for (size_t space = 8192;; space *= 2) {
        content = xrealloc(content, space, 1);
        ssize_t count = read_fully(fd, content + length, space - 1 - length);
        if (count < 0)
            return (int)count;
        length += (size_t)count;
        if (length > limit)
            return -EFBIG;
        if (length < space - 1)
            break;
    }
    *ret = TAKE(content);
    return (int)length;
}

int sysfs_read_whole(int folder, const char *path, size_t limit, char **ret)
{
    int length = read_content(folder, path, limit, ret);

    return length < 0 ? length : finish_text(*ret, length);
}

int sysfs_read_binary(int folder, const char *path, size_t limit, unsigned char **ret)
{
    return read_content(folder, path, limit, (char **)ret);
}

int sysfs_read_number(int folder, const char *path, long long *ret)
{
    char text[64];
    unsigned long long number;
    int length = sysfs_read(folder, path, text, sizeof(text));

    if (length < 0)
        return length;
    char *digits = text_trim(text);
    bool negative = *digits == '-', hex = text_starts_with(digits, "0x");
    if (!text_to_number(digits + (hex ? 2 : negative ? 1 : 0), hex ? 16 : 10, LLONG_MAX, &number))
        return -EINVAL;
    *ret = negative ? -(long long)number : (long long)number;
    return 0;
}

int sysfs_read_link(int folder, const char *path, char *buffer, size_t size)
{
    int hooked = ask_hook(SYSFS_LINK, folder, path, NULL);

    if (hooked != 1)
        return hooked;
    ssize_t length = readlinkat(folder, path, buffer, size);

    if (length < 0)
        return -errno;
    if ((size_t)length >= size)
        return -ENAMETOOLONG;
    return finish_text(buffer, (int)length);
}

int sysfs_read_link_name(int folder, const char *path, char *buffer, size_t size)
{
    char target[PATH_MAX];
    int length = sysfs_read_link(folder, path, target, sizeof(target));

    if (length < 0)
        return length;
    const char *slash = strrchr(target, '/');
    const char *name = slash != NULL ? slash + 1 : target;
    if (strlen(name) >= size)
        return -ENAMETOOLONG;
    memcpy(buffer, name, strlen(name) + 1);
    return (int)strlen(buffer);
}

/* Not access(2), which fails for device nodes that a cgroup keeps us from opening (DevicePolicy of our
 * units). */
bool sysfs_exists(int folder, const char *path)
{
    struct stat found;

    return ask_hook(SYSFS_OPEN, folder, path, NULL) == 1 && fstatat(folder, path, &found, 0) == 0;
}

/* O_TRUNC means nothing to sysfs, but in a tree of plain files the value replaces the old one. */
int sysfs_write(int folder, const char *path, const char *value)
{
    int hooked = ask_hook(SYSFS_WRITE, folder, path, value);

    if (hooked != 1)
        return hooked;
    autoclose int fd = openat(folder, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t length = TEMP_FAILURE_RETRY(write(fd, value, strlen(value)));
    if (length < 0)
        return -errno;
    return (size_t)length == strlen(value) ? 0 : -EIO;
}

/* The folder may be missing, as /etc/modules-load.d is on some hosts. */
static int open_new(int folder, const char *path, const char *draft)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(folder, draft, flags, 0600);

    if (fd < 0 && errno == ENOENT) {
        autofree char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
        if (mkdirat(folder, parent, 0755) == 0)
            fd = openat(folder, draft, flags, 0600);
    }
    return fd < 0 ? -errno : fd;
}

static int write_fully(int fd, const char *text, mode_t mode)
{
    size_t length = strlen(text);

    for (size_t done = 0; done < length;) {
        ssize_t count = TEMP_FAILURE_RETRY(write(fd, text + done, length - done));
        if (count < 0)
            return -errno;
        done += (size_t)count;
    }
    return fchmod(fd, mode) != 0 || fsync(fd) != 0 ? -errno : 0;
}

static void sync_parent(int folder, const char *path)
{
    autofree char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    autoclose int fd = openat(folder, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        fsync(fd);
}

int sysfs_replace(int folder, const char *path, const char *text, mode_t mode)
{
    autofree char *draft = xasprintf("%s" SYSFS_NEW, path);
    int hooked = ask_hook(SYSFS_WRITE, folder, path, text);
    struct stat status;

    if (hooked != 1)
        return hooked;
    if (fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISREG(status.st_mode))
            return -ELOOP;
        mode = status.st_mode & ALLPERMS;
    }
    autoclose int fd = open_new(folder, path, draft);
    int result = fd < 0 ? fd : write_fully(fd, text, mode);
    if (result == 0 && renameat(folder, draft, folder, path) != 0)
        result = -errno;
    if (result == 0)
        sync_parent(folder, path);
    else if (fd >= 0)
        unlinkat(folder, draft, 0);
    return result;
}

int sysfs_overwrite(int folder, const char *path, const char *text)
{
    int hooked = ask_hook(SYSFS_WRITE, folder, path, text);
    size_t length = strlen(text);

    if (hooked != 1)
        return hooked;
    autoclose int fd = openat(folder, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (pwrite(fd, text, length, 0) != (ssize_t)length || ftruncate(fd, (off_t)length) != 0 || fsync(fd) != 0)
        return errno != 0 ? -errno : -EIO;
    return 0;
}

int sysfs_remove(int folder, const char *path)
{
    int hooked = ask_hook(SYSFS_WRITE, folder, path, "");

    if (hooked != 1)
        return hooked;
    if (unlinkat(folder, path, 0) != 0)
        return errno == ENOENT ? 0 : -errno;
    sync_parent(folder, path);
    return 0;
}

static bool is_listed(const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (; *name != '\0'; name++)
        if (*name < ' ' || *name > '~')
            return false;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_stream(DIR **stream)
{
    if (*stream != NULL)
        closedir(*stream);
}

int sysfs_list(int folder, const char *path, char ***ret)
{
    int hooked = ask_hook(SYSFS_LIST, folder, path, NULL);

    if (hooked != 1)
        return hooked;
    int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    __attribute__((cleanup(close_stream))) DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    size_t count = 0, space = 16;

    if (stream == NULL)
        return -errno;
    char **names = xcalloc(space + 1, sizeof(*names));
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (!is_listed(entry->d_name))
            continue;
        if (count == space)
            names = xrealloc(names, (space *= 2) + 1, sizeof(*names));
        names[count++] = xstrdup(entry->d_name);
    }
    names[count] = NULL;
    qsort(names, count, sizeof(*names), compare_names);
    *ret = names;
    return (int)count;
}

void sysfs_free_list(char ***list)
{
    for (char **name = *list; name != NULL && *name != NULL; name++)
        free(*name);
    free(*list);
    *list = NULL;
}
