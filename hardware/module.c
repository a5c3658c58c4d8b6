/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules could drive a device. */
#include "hardware/module.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/host.h"

#define MOST_ALIASES (32 * 1024 * 1024) /* of a list; Debian's modules.alias has 1.4 MB */

static void append_once(json_t *list, const char *module)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), module) == 0)
            return;
    json_array_append_new(list, json_string(module));
}

bool module_name_equal(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
            return false;
    return *a == *b;
}

/* The line "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ..." is about vfio_pci. */
static bool is_of(const char *line, const char *module)
{
    const char *end = line + strcspn(line, ":\n"), *name = line;
    char own[64];

    for (const char *at = line; at < end; at++)
        if (*at == '/')
            name = at + 1;
    const char *suffix = strstr(name, ".ko");
    if (suffix == NULL || suffix > end)
        return false;
    snprintf(own, sizeof(own), "%.*s", (int)(suffix - name), name);
    return module_name_equal(own, module);
}

bool module_is_listed(const char *text, const char *module)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (is_of(line, module))
            return true;
    }
    return false;
}

/* The folder lib/modules/RELEASE, or -1. */
static int open_folder(const struct sysroot *sysroot)
{
    char release[128], path[160];

    if (host_kernel_release(sysroot, release, sizeof(release)) < 0 || strchr(release, '/') != NULL)
        return -1;
    snprintf(path, sizeof(path), "lib/modules/%s", release);
    return sysfs_open_folder(sysroot_fd(sysroot), path);
}

bool module_is_available(const struct sysroot *sysroot, const char *module)
{
    autoclose int folder = open_folder(sysroot);
    autofree char *text = NULL;

    return folder >= 0 && sysfs_read_whole(folder, "modules.dep", MOST_ALIASES, &text) >= 0 &&
           module_is_listed(text, module);
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

/* Entries "nvme.alias=pci:v*d*sv*sd*bc01sc08i02*", each with a NUL at its end. */
static void search_builtin(int folder, const char *modalias, json_t *list)
{
    autofree char *text = NULL;
    int length = sysfs_read_whole(folder, "modules.builtin.modinfo", MOST_ALIASES, &text);

    for (char *entry = text; length > 0 && entry < text + length; entry += strlen(entry) + 1) {
        char *key = strstr(entry, ".alias=pci:");
        if (key == NULL || fnmatch(key + strlen(".alias="), modalias, 0) != 0)
            continue;
        autofree char *module = xstrndup(entry, (size_t)(key - entry));
        append_once(list, module);
    }
}

json_t *module_list_for(const struct sysroot *sysroot, const char *modalias)
{
    autoclose int folder = open_folder(sysroot);
    json_t *list = json_array();

    if (folder >= 0) {
        search(folder, "modules.alias", modalias, list);
        search(folder, "modules.builtin.alias", modalias, list);
        search_builtin(folder, modalias, list);
    }
    return list;
}
