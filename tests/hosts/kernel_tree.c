/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's files: reading and writing them without anything happening. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

void kernel_must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "the played kernel: cannot %s: %s\n", what, strerror(errno));
    abort();
}

void kernel_read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, size - 1) : 0;

    text[length > 0 ? length : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Renamed into place, so that nobody reads half of it. */
void kernel_write_text(const char *path, const char *text)
{
    autofree char *new = xasprintf("%s.%d", path, (int)gettid());
    FILE *file = fopen(new, "w");

    kernel_must(file != NULL, new);
    fputs(text, file);
    fclose(file);
    kernel_must(rename(new, path) == 0, path);
}

/* A link counts too, wherever it leads. */
bool kernel_is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

void kernel_read_link(const char *path, char name[static KERNEL_NAME])
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    target[length > 0 ? length : 0] = '\0';
    snprintf(name, KERNEL_NAME, "%s", length > 0 ? basename(target) : "");
}

/* A relative link between two paths of the tree, as sysfs has them. */
void kernel_make_link(const char *at, const char *to)
{
    autofree char *copy = xstrdup(at);
    autofree char *folder = realpath(dirname(copy), NULL);
    autotext struct text target = {0};

    kernel_must(folder != NULL, at);
    for (const char *slash = folder + strlen(kernel_tree); *slash != '\0'; slash++)
        if (*slash == '/')
            text_append(&target, "../");
    text_append(&target, to);
    kernel_must(symlink(text_string(&target), at) == 0 || errno == EEXIST, at);
}

const char *kernel_function_file(const char *id, const char *name)
{
    return kernel_path(KERNEL_DEVICES "/%s/%s", id, name);
}
