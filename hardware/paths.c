/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths below /sys and /proc. */
#include "hardware/paths.h"

#include <stdio.h>
#include <string.h>

struct host_path path_below(const char *folder, const char *name, const char *file)
{
    struct host_path path;
    int length = snprintf(path.text, sizeof(path.text), "%s/%s%s%s", folder, name, file != NULL ? "/" : "",
                          file != NULL ? file : "");

    if (length < 0 || (size_t)length >= sizeof(path.text))
        path.text[0] = '\0';
    return path;
}

struct host_path path_of_function(const char *id, const char *file)
{
    return path_below(SYS_PCI_DEVICES, id, file);
}

struct host_path path_of_module(const char *module, const char *file)
{
    struct host_path path = path_below(SYS_MODULES, module, file);
    size_t start = strlen(SYS_MODULES "/"), end = start + strlen(module);

    for (size_t i = start; i < end && path.text[0] != '\0'; i++)
        if (path.text[i] == '-')
            path.text[i] = '_';
    return path;
}

static struct host_path path_of_number(const char *folder, int number, const char *file)
{
    char name[16];

    snprintf(name, sizeof(name), "%d", number);
    return path_below(folder, name, file);
}

struct host_path path_of_group(int group, const char *file)
{
    return path_of_number(SYS_IOMMU_GROUPS, group, file);
}

struct host_path path_of_process(int process, const char *file)
{
    return path_of_number(PROC, process, file);
}
