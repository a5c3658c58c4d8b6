/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules could drive a device. */
#include "hardware/module.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/host.h"

#define MOST_ALIASES (32 * 1024 * 1024) /* Debian's file has 1.4 MB */

static void append_once(json_t *list, const char *module)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), module) == 0)
            return;
    json_array_append_new(list, json_string(module));
}

/* "alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau" */
static void consider(char *line, const char *modalias, json_t *list)
{
    if (strncmp(line, "alias pci:", strlen("alias pci:")) != 0)
        return;
    strsep(&line, " ");
    char *pattern = strsep(&line, " ");
    if (line != NULL && fnmatch(pattern, modalias, 0) == 0)
        append_once(list, text_trim(line));
}

static void search(int folder, const char *file, const char *modalias, json_t *list)
{
    autofree char *text = NULL;

    if (sysfs_read_whole(folder, file, MOST_ALIASES, &text) < 0)
        return;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        consider(line, modalias, list);
}

json_t *module_list_for(const struct sysroot *sysroot, const char *modalias)
{
    char release[128], path[160];
    json_t *list = json_array();

    if (host_kernel_release(sysroot, release, sizeof(release)) < 0 || strchr(release, '/') != NULL)
        return list;
    snprintf(path, sizeof(path), "lib/modules/%s", release);
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), path);
    if (folder >= 0) {
        search(folder, "modules.alias", modalias, list);
        search(folder, "modules.builtin.alias", modalias, list);
    }
    return list;
}
