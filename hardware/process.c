/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process uses. */
#include "hardware/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "hardware/paths.h"

#define TEXT_SIZE 8192 /* io.stat has a line for each disk */

bool process_parse_usage(const char *stat, struct process_usage *ret)
{
    const char *end = strrchr(stat, ')'); /* the name before it may hold anything */
    unsigned long long user, kernel, start, pages;
    long long hz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);

    if (end == NULL || hz <= 0 || page <= 0 ||
        sscanf(end + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu %*u %llu",
               &user, &kernel, &start, &pages) != 4)
        return false;
    *ret = (struct process_usage){.cpu = (long long)(user + kernel) * 1000 / hz,
                                  .memory = (long long)pages * page,
                                  .uptime = (long long)start / hz};
    return true;
}

int process_read_usage(const struct sysroot *sysroot, int process, struct process_usage *ret)
{
    char stat[4096], uptime[128];
    double seconds = 0;
    int length = sysfs_read(sysroot_fd(sysroot), path_of_process(process, "stat").text, stat, sizeof(stat));

    if (length < 0)
        return length;
    if (!process_parse_usage(stat, ret))
        return -EINVAL;
    if (sysfs_read(sysroot_fd(sysroot), PROC_UPTIME, uptime, sizeof(uptime)) > 0)
        sscanf(uptime, "%lf", &seconds);
    ret->uptime = (long long)seconds > ret->uptime ? (long long)seconds - ret->uptime : 0;
    return 0;
}

char *process_parse_group(char *text)
{
    char *line;

    while ((line = strsep(&text, "\n")) != NULL)
        if (strncmp(line, "0::/", 4) == 0 && line[4] != '\0')
            return line + 4;
    return NULL;
}

long long process_sum_key(const char *text, const char *key)
{
    autofree char *sought = xasprintf(" %s=", key);
    long long sum = 0;

    for (const char *at = strstr(text, sought); at != NULL; at = strstr(at + 1, sought))
        sum += strtoll(at + strlen(sought), NULL, 10);
    return sum;
}

double process_parse_pressure(const char *text, const char *word)
{
    const char *line = strstr(text, word);
    double percent;

    if (line == NULL || (line != text && line[-1] != '\n') ||
        sscanf(line + strlen(word), " avg10=%lf", &percent) != 1)
        return -1;
    return percent;
}

static bool read_file(const struct sysroot *sysroot, const char *folder, const char *file,
                      char text[static TEXT_SIZE])
{
    return sysfs_read(sysroot_fd(sysroot), path_below(SYS_CGROUP, folder, file).text, text, TEXT_SIZE) >= 0;
}

static void read_pressure(const struct sysroot *sysroot, const char *folder, const char *file, double ret[2])
{
    char text[TEXT_SIZE] = "";

    read_file(sysroot, folder, file, text);
    ret[0] = process_parse_pressure(text, "some");
    ret[1] = process_parse_pressure(text, "full");
}

bool process_read_group(const struct sysroot *sysroot, int process, const char *name, struct group_usage *ret)
{
    char groups[4096], text[TEXT_SIZE];

    if (sysfs_read(sysroot_fd(sysroot), path_of_process(process, "cgroup").text, groups, sizeof(groups)) < 0)
        return false;
    const char *path = process_parse_group(groups);
    const char *last = path != NULL ? strrchr(path, '/') : NULL;
    if (path == NULL || strcmp(last != NULL ? last + 1 : path, name) != 0)
        return false;
    bool has_memory = read_file(sysroot, path, "memory.current", text);
    ret->memory = has_memory ? strtoll(text, NULL, 10) : -1;
    bool has_io = read_file(sysroot, path, "io.stat", text);
    ret->read = has_io ? process_sum_key(text, "rbytes") : -1;
    ret->written = has_io ? process_sum_key(text, "wbytes") : -1;
    read_pressure(sysroot, path, "cpu.pressure", ret->cpu);
    read_pressure(sysroot, path, "io.pressure", ret->io);
    read_pressure(sysroot, path, "memory.pressure", ret->ram);
    return true;
}
