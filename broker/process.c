/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes of this machine. */
#include "broker/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

#define STAT_LIMIT  4096
#define START_FIELD 22 /* starttime; the name in field 2 may hold blanks and parentheses */

bool process_parse_start(char *stat, unsigned long long *ret)
{
    char *at = strrchr(stat, ')');

    if (at == NULL || at[1] != ' ' || strchr("ZX", at[2]) != NULL) /* a zombie, or dead */
        return false;
    at += 2;
    for (int field = 3; field < START_FIELD && at != NULL; field++) {
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL)
        return false;
    at[strcspn(at, " ")] = '\0';
    return text_to_number(at, 10, ULLONG_MAX, ret);
}

bool process_start_time(pid_t pid, unsigned long long *ret)
{
    autofree char *path = xasprintf("/%s", path_of_process(pid, "stat").text);
    autofree char *content = NULL;
    struct error err;

    return file_read(path, STAT_LIMIT, &content, NULL, &err) == 0 && process_parse_start(content, ret);
}

/* Whether a descriptor is of a file below the folder, and not of the folder itself. */
static bool read_target(int descriptors, const char *name, const char *folder, char *target, size_t size)
{
    ssize_t length = readlinkat(descriptors, name, target, size);
    size_t above = strlen(folder);

    if (length <= 0 || (size_t)length >= size)
        return false;
    target[length] = '\0';
    while (above > 0 && folder[above - 1] == '/')
        above--;
    return strncmp(target, folder, above) == 0 && target[above] == '/' && target[above + 1] != '\0';
}

bool process_open_file(pid_t pid, const char *folder, char *ret, size_t size)
{
    autofree char *path = xasprintf("/%s", path_of_process(pid, "fd").text);
    DIR *stream = opendir(path);
    unsigned long long number, highest = STDERR_FILENO;
    char target[PATH_MAX];
    bool found = false;

    if (stream == NULL)
        return false;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (!text_to_number(entry->d_name, 10, INT_MAX, &number) || number <= highest ||
            !read_target(dirfd(stream), entry->d_name, folder, target, sizeof(target)))
            continue;
        highest = number;
        snprintf(ret, size, "%s", target);
        found = true;
    }
    closedir(stream);
    return found;
}

bool process_runs(struct process process)
{
    unsigned long long start;

    return process.pid > 0 && process_start_time(process.pid, &start) && start == process.start;
}

int process_watch(struct process process)
{
    int fd = process.pid > 0 ? (int)syscall(SYS_pidfd_open, process.pid, 0) : -1;

    if (fd >= 0 && process_runs(process)) /* looked at after the descriptor was made */
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void process_read_boot(char ret[static PROCESS_BOOT_SIZE])
{
    autofree char *content = NULL;
    struct error err;

    ret[0] = '\0';
    if (file_read("/" PROC_BOOT_ID, PROCESS_BOOT_SIZE, &content, NULL, &err) == 0)
        snprintf(ret, PROCESS_BOOT_SIZE, "%.*s", (int)strcspn(content, "\n"), content);
}
