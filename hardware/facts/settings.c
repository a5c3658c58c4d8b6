/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that an admin makes in files. */
#include "hardware/facts/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"

#define MOST_SETTINGS 4096
#define MOST_TEXT     (256 * 1024)

/* The folders that have modprobe.d and modules-load.d. A file hides those of the same name in a later one. */
static const char *const parents[] = {"etc", "run", "usr/local/lib", "usr/lib", "lib"};

struct reader {
    const struct sysroot *sysroot;
    struct host_settings *settings;
    const char *file;
    unsigned line;
    bool continued;
};

typedef void read_line_fn(struct reader *reader, char *line);

static void note_denied(struct reader *reader, const char *file, int number)
{
    if (number == -ENOENT || number == -ENOTDIR || reader->settings->denied != NULL)
        return;
    reader->settings->denied = xstrdup(file);
    reader->settings->error = number;
}

static void add(struct reader *reader, enum setting_kind kind, const char *module, char *value)
{
    struct host_settings *settings = reader->settings;

    if (settings->count == MOST_SETTINGS || module == NULL || *module == '\0')
        return;
    if (settings->count % 64 == 0)
        settings->list = xrealloc(settings->list, settings->count + 64, sizeof(settings->list[0]));
    settings->list[settings->count++] =
        (struct setting){.kind = kind,
                         .module = xstrdup(module),
                         .value = xstrdup(value != NULL ? text_trim(value) : ""),
                         .file = xstrdup(reader->file),
                         .line = reader->line,
                         .continued = reader->continued};
}

/* The next word of *rest, which is moved behind it; NULL at the end. */
static char *take_word(char **rest)
{
    char *word;

    do
        word = strsep(rest, " \t");
    while (word != NULL && *word == '\0');
    return word;
}

static void read_modprobe_line(struct reader *reader, char *line)
{
    static const struct {
        const char *word;
        enum setting_kind kind;
    } commands[] = {{"options", SETTING_OPTIONS},
                    {"blacklist", SETTING_BLACKLIST},
                    {"softdep", SETTING_SOFTDEP},
                    {"install", SETTING_INSTALL},
                    {"alias", SETTING_ALIAS}};
    char *command = take_word(&line), *module = take_word(&line);

    for (size_t i = 0; command != NULL && i < COUNT_OF(commands); i++)
        if (strcmp(command, commands[i].word) == 0)
            add(reader, commands[i].kind, module, line);
}

/* A line of etc/modules may have options after the name, which are ignored here. */
static void read_load_line(struct reader *reader, char *line)
{
    add(reader, SETTING_LOAD, take_word(&line), NULL);
}

static void read_early_load_line(struct reader *reader, char *line)
{
    char early[] = "initramfs";

    add(reader, SETTING_LOAD, take_word(&line), early);
}

/* "bus/pci/devices/0000:01:00.0/sriov_numvfs = 4"; lines "mode FILE = 0644" and "owner ..." are something
 * else. */
static void read_sysfs_line(struct reader *reader, char *line)
{
    char *file = strsep(&line, "=");

    if (line == NULL)
        return;
    file = text_trim(file);
    if (strpbrk(file, " \t") == NULL)
        add(reader, SETTING_SYSFS, file, line);
}

/* A backslash at the end of a line joins the next to it. Returns the line, or NULL at the end. */
static char *take_line(char **rest, unsigned *number)
{
    char *line = *rest, *end;

    if (line == NULL)
        return NULL;
    for (char *from = line; (end = strchr(from, '\n')) != NULL && end > from && end[-1] == '\\'; from = end) {
        end[-1] = end[0] = ' ';
        ++*number;
    }
    ++*number;
    return strsep(rest, "\n");
}

static void read_text(struct reader *reader, char *text, read_line_fn *read_line)
{
    unsigned number = 0;

    for (char *line; (reader->line = number + 1, line = take_line(&text, &number)) != NULL;) {
        reader->continued = number > reader->line;
        line = text_trim(line);
        if (*line != '\0' && *line != '#' && *line != ';')
            read_line(reader, line);
    }
}

static void read_file(struct reader *reader, const char *file, read_line_fn *read_line)
{
    autofree char *text = NULL;
    int length = sysfs_read_whole(sysroot_fd(reader->sysroot), file, MOST_TEXT, &text);

    reader->file = file;
    if (length < 0)
        note_denied(reader, file, length);
    else
        read_text(reader, text, read_line);
}

static int compare_file_names(const void *a, const void *b)
{
    const char *first = strrchr(*(char *const *)a, '/'), *second = strrchr(*(char *const *)b, '/');

    return strcmp(first, second);
}

/* Adds the *.conf files of a folder, except for those hidden by one of the same name. */
static void add_files(struct reader *reader, const char *folder, char ***files, size_t *count)
{
    autolist char **names = NULL;
    int found = sysfs_list(sysroot_fd(reader->sysroot), folder, &names);
    size_t before = *count;

    if (found < 0) {
        note_denied(reader, folder, found);
        return;
    }
    *files = xrealloc(*files, before + (size_t)found + 1, sizeof(**files));
    for (char **name = names; *name != NULL; name++) {
        bool hidden = !text_ends_with(*name, ".conf");
        for (size_t i = 0; i < before && !hidden; i++)
            hidden = strcmp(strrchr((*files)[i], '/') + 1, *name) == 0;
        if (!hidden)
            (*files)[(*count)++] = xasprintf("%s/%s", folder, *name);
    }
}

static void read_folders(struct reader *reader, const char *folder, read_line_fn *read_line)
{
    char **files = NULL;
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(parents); i++) {
        autofree char *path = xasprintf("%s/%s", parents[i], folder);
        add_files(reader, path, &files, &count);
    }
    if (count > 0)
        qsort(files, count, sizeof(files[0]), compare_file_names);
    for (size_t i = 0; i < count; i++) {
        read_file(reader, files[i], read_line);
        free(files[i]);
    }
    free(files);
}

static void read_single_folder(struct reader *reader, const char *folder, read_line_fn *read_line)
{
    autolist char **names = NULL;
    int found = sysfs_list(sysroot_fd(reader->sysroot), folder, &names);

    if (found < 0) {
        note_denied(reader, folder, found);
        return;
    }
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf("%s/%s", folder, *name);
        if (text_ends_with(*name, ".conf"))
            read_file(reader, file, read_line);
    }
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static void consider_time(struct reader *reader, const char *file)
{
    struct host_settings *settings = reader->settings;
    struct stat status;

    if (fstatat(sysroot_fd(reader->sysroot), file, &status, 0) != 0 || !S_ISREG(status.st_mode))
        return;
    if (settings->newest != NULL && !is_later(status.st_mtim, settings->changed))
        return;
    free(settings->newest);
    settings->newest = xstrdup(file);
    settings->changed = status.st_mtim;
}

/* Looks for the newest of the files that an admin writes and mkinitramfs copies. */
static void find_newest(struct reader *reader)
{
    autolist char **names = NULL;

    consider_time(reader, "etc/initramfs-tools/modules");
    if (sysfs_list(sysroot_fd(reader->sysroot), "etc/modprobe.d", &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf("etc/modprobe.d/%s", *name);
        if (text_ends_with(*name, ".conf"))
            consider_time(reader, file);
    }
}

void host_settings_read(const struct sysroot *sysroot, struct host_settings *ret)
{
    *ret = (struct host_settings){0};
    struct reader reader = {.sysroot = sysroot, .settings = ret};

    read_folders(&reader, "modprobe.d", read_modprobe_line);
    read_folders(&reader, "modules-load.d", read_load_line);
    read_file(&reader, "etc/modules", read_load_line);
    read_file(&reader, "etc/initramfs-tools/modules", read_early_load_line);
    read_file(&reader, "etc/sysfs.conf", read_sysfs_line);
    read_single_folder(&reader, "etc/sysfs.d", read_sysfs_line);
    find_newest(&reader);
}

void host_settings_release(struct host_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->list[i].module);
        free(settings->list[i].value);
        free(settings->list[i].file);
    }
    free(settings->list);
    free(settings->newest);
    free(settings->denied);
}

const struct setting *host_settings_find(const struct host_settings *settings, enum setting_kind kind,
                                         const char *module, size_t after)
{
    for (size_t i = after; i < settings->count; i++)
        if (settings->list[i].kind == kind && module_name_equal(settings->list[i].module, module))
            return &settings->list[i];
    return NULL;
}

/* "ids=10de:2484 disable_vga=1": the last value of a name, or "" for a name alone. */
static bool find_option(const char *options, const char *name, char *value, size_t size)
{
    autofree char *copy = xstrdup(options);
    char *rest = copy, *last = NULL;

    for (char *word; (word = take_word(&rest)) != NULL;) {
        char *is = strchr(word, '=');
        if (is != NULL)
            *is = '\0';
        if (module_name_equal(word, name))
            last = is != NULL ? is + 1 : word + strlen(word);
    }
    if (last == NULL)
        return false;
    snprintf(value, size, "%s", last);
    return true;
}

bool host_settings_option(const struct host_settings *settings, const char *module, const char *option,
                          char *value, size_t size, const struct setting **ret)
{
    const struct setting *setting;
    bool found = false;

    for (size_t i = 0; (setting = host_settings_find(settings, SETTING_OPTIONS, module, i)) != NULL;
         i = (size_t)(setting - settings->list) + 1)
        if (find_option(setting->value, option, value, size)) {
            found = true;
            if (ret != NULL)
                *ret = setting;
        }
    return found;
}

const struct setting *host_settings_blacklist(const struct host_settings *settings, const char *module)
{
    const struct setting *setting = host_settings_find(settings, SETTING_BLACKLIST, module, 0);

    if (setting != NULL)
        return setting;
    for (size_t i = 0; (setting = host_settings_find(settings, SETTING_INSTALL, module, i)) != NULL;
         i = (size_t)(setting - settings->list) + 1)
        if (text_ends_with(setting->value, "/true") || text_ends_with(setting->value, "/false"))
            return setting;
    return NULL;
}

static bool names_before(const char *dependencies, const char *first)
{
    autofree char *copy = xstrdup(dependencies);
    char *rest = copy;
    bool pre = false;

    for (char *word; (word = take_word(&rest)) != NULL;) {
        if (text_ends_with(word, ":"))
            pre = strcmp(word, "pre:") == 0;
        else if (pre && module_name_equal(word, first))
            return true;
    }
    return false;
}

const struct setting *host_settings_loads_before(const struct host_settings *settings, const char *module,
                                                 const char *first)
{
    const struct setting *setting;

    for (size_t i = 0; (setting = host_settings_find(settings, SETTING_SOFTDEP, module, i)) != NULL;
         i = (size_t)(setting - settings->list) + 1)
        if (names_before(setting->value, first))
            return setting;
    return NULL;
}
