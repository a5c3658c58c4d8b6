/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes folders, files and links below one folder, the tree. */
#include "tests/hosts/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL ".shared"

static int root = -1;
static struct path root_name;
static bool sharing;

struct path path(const char *format, ...)
{
    struct path result;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(result.text, sizeof(result.text), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(result.text))
        fail("path too long: %s", result.text);
    return result;
}

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("make-host: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static struct path real_path(const char *name)
{
    char *real = realpath(name, NULL);
    if (!real)
        fail("cannot follow '%s': %s", name, strerror(errno));
    struct path result = path("%s", real);
    free(real);
    return result;
}

void tree_open(const char *dir)
{
    umask(0);
    root = AT_FDCWD;
    tree_make_folder(dir);
    root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail("cannot open '%s': %s", dir, strerror(errno));
    root_name = real_path(dir);
}

static struct path parent_of(const char *what)
{
    const char *slash = strrchr(what, '/');
    return path("%.*s", slash ? (int)(slash - what) : 0, what);
}

bool tree_make_folder(const char *folder)
{
    if (mkdirat(root, folder, 0755) == 0)
        return true;
    if (errno == ENOENT && strchr(folder, '/')) {
        tree_make_folder(parent_of(folder).text);
        if (mkdirat(root, folder, 0755) == 0)
            return true;
    }
    if (errno != EEXIST)
        fail("cannot make the folder '%s': %s", folder, strerror(errno));
    return false;
}

int tree_open_folder(const char *folder)
{
    tree_make_folder(folder);
    int fd = openat(root, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        fail("cannot open the folder '%s': %s", folder, strerror(errno));
    return fd;
}

void tree_put_bytes(int folder, const char *name, unsigned mode, const void *bytes, size_t size)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        fail("cannot make the file '%s': %s", name, strerror(errno));
    ssize_t written = write(fd, bytes, size);
    if (written < 0 || (size_t)written != size)
        fail("cannot write the file '%s': %s", name, strerror(errno));
    close(fd);
}

void tree_share_files(bool share)
{
    sharing = share;
    if (!share)
        tree_remove(POOL);
}

/* The pool has a file for each mode and content, which are its name. A file with as many links as the file
 * system allows is replaced by a new one. Other processes may do the same at the same time. */
static bool link_from_pool(int folder, const char *name, unsigned mode, const char *text)
{
    struct path file = path(POOL "/%o %s", mode, text);
    for (int tries = 0; tries < 100; tries++) {
        if (linkat(root, file.text, folder, name, 0) == 0)
            return true;
        if (errno == EMLINK)
            unlinkat(root, file.text, 0);
        else if (errno != ENOENT)
            return false;
        tree_make_folder(POOL);
        int fd = openat(root, file.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 && write(fd, text, strlen(text)) < 0)
            fail("cannot write the file '%s': %s", file.text, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return false;
}

__attribute__((format(printf, 4, 0))) static void put_text(int folder, const char *name, unsigned mode,
                                                           const char *format, va_list args)
{
    char *text;
    int length = vasprintf(&text, format, args);
    if (length < 0)
        fail("out of memory");
    bool fits = length > 0 && length < 200 && !strchr(text, '/');
    if (!sharing || !fits || !link_from_pool(folder, name, mode, text))
        tree_put_bytes(folder, name, mode, text, (size_t)length);
    free(text);
}

void tree_put(int folder, const char *name, unsigned mode, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_text(folder, name, mode, format, args);
    va_end(args);
}

void tree_write(const char *file, unsigned mode, const char *format, ...)
{
    va_list args;
    tree_make_folder(parent_of(file).text);
    va_start(args, format);
    put_text(root, file, mode, format, args);
    va_end(args);
}

__attribute__((format(printf, 3, 0))) static void change_text(const char *file, int flags, const char *format,
                                                              va_list args)
{
    struct stat status = {.st_mode = MODE_CHANGE};
    tree_make_folder(parent_of(file).text);
    if (fstatat(root, file, &status, 0) == 0)
        tree_set_mode(file, MODE_CHANGE);
    int fd = openat(root, file, O_WRONLY | O_CREAT | O_CLOEXEC | flags, MODE_CHANGE);
    if (fd < 0)
        fail("cannot change the file '%s': %s", file, strerror(errno));
    if (vdprintf(fd, format, args) < 0 || fchmod(fd, status.st_mode & 07777) != 0)
        fail("cannot write the file '%s': %s", file, strerror(errno));
    close(fd);
}

void tree_replace(const char *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    change_text(file, O_TRUNC, format, args);
    va_end(args);
}

void tree_append(const char *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    change_text(file, O_APPEND, format, args);
    va_end(args);
}

void tree_set_time(const char *file, long long seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    if (utimensat(root, file, times, 0) != 0)
        fail("cannot set the time of '%s': %s", file, strerror(errno));
}

void tree_set_mode(const char *file, unsigned mode)
{
    if (fchmodat(root, file, mode, 0) != 0)
        fail("cannot set the mode of '%s': %s", file, strerror(errno));
}

void tree_link_raw(const char *at, const char *words)
{
    if (symlinkat(words, root, at) == 0)
        return;
    if (errno == ENOENT) {
        tree_make_folder(parent_of(at).text);
        if (symlinkat(words, root, at) == 0)
            return;
    }
    fail("cannot make the link '%s': %s", at, strerror(errno));
}

/* The length of the folders with which both paths begin. */
static size_t common_folders(const char *a, const char *b)
{
    size_t common = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        if (a[i] == '/')
            common = i + 1;
    }
    return common;
}

void tree_link(const char *at, const char *to)
{
    struct path way = {""};
    size_t common = common_folders(at, to);
    for (const char *slash = strchr(at + common, '/'); slash; slash = strchr(slash + 1, '/'))
        way = path("../%s", way.text);
    tree_link_raw(at, path("%s%s", way.text, to + common).text);
}

struct path tree_follow(const char *link)
{
    struct path real = real_path(path("%s/%s", root_name.text, link).text);
    size_t above = strlen(root_name.text);
    if (strncmp(real.text, root_name.text, above) != 0 || real.text[above] != '/')
        fail("'%s' leads out of the tree", link);
    return path("%s", real.text + above + 1);
}

static void remove_entry(const char *folder, const char *name, const void *context)
{
    (void)context;
    tree_remove(path("%s/%s", folder, name).text);
}

void tree_remove(const char *what)
{
    if (unlinkat(root, what, 0) == 0 || errno == ENOENT)
        return;
    if (errno == EISDIR || errno == EPERM) {
        tree_each(what, remove_entry, NULL);
        if (unlinkat(root, what, AT_REMOVEDIR) == 0)
            return;
    }
    fail("cannot remove '%s': %s", what, strerror(errno));
}

void tree_each(const char *folder, void (*visit)(const char *folder, const char *name, const void *context),
               const void *context)
{
    int fd = openat(root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        fail("cannot read the folder '%s': %s", folder, strerror(errno));
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(folder, entry->d_name, context);
    }
    closedir(dir);
}
