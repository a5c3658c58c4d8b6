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

/* "vfio_pci:v*d*sv*sd*bc*sc*i*" is the alias of vfio-pci itself, which knows nothing of any device. */
#define VFIO_PCI_WILDCARDS 7

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
    char own[MODULE_NAME_SIZE];

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

/* Which aliases are looked for, and who hears of those that match. */
struct search {
    const char *modalias;
    void (*found)(void *context, const char *pattern, const char *module);
    void *context;
};

static void consider(const struct search *search, const char *pattern, const char *module)
{
    size_t bus = strcspn(search->modalias, ":"); /* spares fnmatch all other buses */

    if (strncmp(pattern, search->modalias, bus + 1) == 0 && fnmatch(pattern, search->modalias, 0) == 0)
        search->found(search->context, pattern, module);
}

/* "alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau" */
static void search_text(int folder, const char *file, const struct search *search)
{
    autofree char *text = NULL;

    if (sysfs_read_whole(folder, file, MOST_ALIASES, &text) < 0)
        return;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *word = strsep(&line, " "), *pattern = line != NULL ? strsep(&line, " ") : NULL;
        if (line != NULL && strcmp(word, "alias") == 0)
            consider(search, pattern, text_trim(line));
    }
}

/* Entries "nvme.alias=pci:v*d*sv*sd*bc01sc08i02*", each with a NUL at its end. */
static void search_builtin(int folder, const struct search *search)
{
    static const char key[] = ".alias=";
    autofree unsigned char *bytes = NULL;
    int length = sysfs_read_binary(folder, "modules.builtin.modinfo", MOST_ALIASES, &bytes);
    char *text = (char *)bytes;

    if (length > 0)
        text[length] = '\0';
    for (char *entry = text, *next; length > 0 && entry < text + length; entry = next) {
        char *end = strstr(entry, key);
        next = entry + strlen(entry) + 1;
        if (end == NULL)
            continue;
        *end = '\0';
        consider(search, end + strlen(key), entry);
    }
}

static void search_all(const struct sysroot *sysroot, const struct search *search)
{
    autoclose int folder = open_folder(sysroot);

    if (folder < 0)
        return;
    search_text(folder, "modules.alias", search);
    search_text(folder, "modules.builtin.alias", search);
    search_builtin(folder, search);
}

static void add_to_list(void *context, const char *pattern, const char *module)
{
    (void)pattern;
    append_once(context, module);
}

json_t *module_list_for(const struct sysroot *sysroot, const char *modalias)
{
    json_t *list = json_array();

    search_all(sysroot, &(struct search){modalias, add_to_list, list});
    return list;
}

struct variant {
    char *name; /* of MODULE_NAME_SIZE bytes */
    unsigned wildcards;
};

static void compare_variant(void *context, const char *pattern, const char *module)
{
    struct variant *best = context;
    unsigned wildcards = 0;

    for (const char *at = pattern; *at != '\0'; at++)
        wildcards += *at == '*';
    if (wildcards >= best->wildcards || strlen(module) >= MODULE_NAME_SIZE)
        return;
    best->wildcards = wildcards;
    snprintf(best->name, MODULE_NAME_SIZE, "%s", module);
}

bool module_find_variant(const struct sysroot *sysroot, const char *modalias,
                         char name[static MODULE_NAME_SIZE])
{
    static const char bus[] = "pci:";
    struct variant best = {name, VFIO_PCI_WILDCARDS};

    name[0] = '\0';
    if (strncmp(modalias, bus, strlen(bus)) != 0)
        return false;
    autofree char *vfio = xasprintf("vfio_%s", modalias);
    search_all(sysroot, &(struct search){vfio, compare_variant, &best});
    return name[0] != '\0';
}
