/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets a driver or a number of virtual functions at boot. */
#include "hardware/settings/owner.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/settings.h"
#include "hardware/paths.h"
#include "hardware/settings/modprobe.h"

#define MOST_TEXT 262144

static const char *const what_names[OWNED_KINDS] = {[OWNED_DRIVER] = "driver", [OWNED_VFS] = "vfs"};

/* What in a line sets something; the last has no text. */
struct word {
    const char *text;
    enum owned what;
};
static const struct word attribute_words[] = {
    {"sriov_numvfs", OWNED_VFS}, {"driver_override", OWNED_DRIVER}, {NULL, OWNED_VFS}};
static const struct word link_words[] = {{"SR-IOVVirtualFunctions", OWNED_VFS}, {NULL, OWNED_VFS}};
static const struct word connection_words[] = {{"total-vfs", OWNED_VFS}, {NULL, OWNED_VFS}};

/* Files in which a line with one of the words sets something. `same`: that line must name the device, not
 * just the file. */
static const struct place {
    const char *owner, *folder, *suffix;
    const struct word *words;
    bool same;
} places[] = {
    {"udev", "etc/udev/rules.d", ".rules", attribute_words, true},
    {"udev", "run/udev/rules.d", ".rules", attribute_words, true},
    {"udev", "usr/lib/udev/rules.d", ".rules", attribute_words, true},
    {"systemd", "etc/systemd/network", ".link", link_words, false},
    {"systemd", "run/systemd/network", ".link", link_words, false},
    {"systemd", "usr/lib/systemd/network", ".link", link_words, false},
    {"networkmanager", "etc/NetworkManager/system-connections", ".nmconnection", connection_words, false},
    {"networkmanager", "run/NetworkManager/system-connections", ".nmconnection", connection_words, false},
    {"script", "etc", "rc.local", attribute_words, true},
    {"script", "etc/systemd/system", ".service", attribute_words, true},
};

struct search {
    const struct sysroot *sysroot;
    const struct pci_device *device;
    char id[PCI_ADDRESS_SIZE];
    char **interfaces; /* of the function; NULL: none */
    json_t *list;
};

static void add(struct search *search, const char *owner, enum owned what, const char *file, unsigned line,
                const char *text)
{
    autofree char *path = xasprintf("/%s", file);

    json_array_append_new(search->list,
                          json_pack("{s:s, s:s, s:s, s:i, s:s}", "owner", owner, "what", what_names[what],
                                    "file", path, "line", (int)line, "text", text));
}

/* As a word of its own: eth1 is not in eth10. */
static bool names_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = text; (at = strcasestr(at, word)) != NULL; at++)
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
            return true;
    return false;
}

static bool names_device(const struct search *search, const char *text)
{
    if (names_word(text, search->id))
        return true;
    for (char **name = search->interfaces; name != NULL && *name != NULL; name++)
        if (names_word(text, *name))
            return true;
    return false;
}

static void search_line(struct search *search, const struct place *place, const char *file, unsigned number,
                        const char *line)
{
    if (line[0] == '#' || line[0] == ';' || (place->same && !names_device(search, line)))
        return;
    for (const struct word *word = place->words; word->text != NULL; word++)
        if (strstr(line, word->text) != NULL)
            add(search, place->owner, word->what, file, number, line);
}

/* A line that ends with a backslash goes on in the next one. */
static void search_file(struct search *search, const struct place *place, const char *file)
{
    autofree char *text = NULL;
    unsigned number = 1;

    if (sysfs_read_whole(sysroot_fd(search->sysroot), file, MOST_TEXT, &text) < 0 ||
        !names_device(search, text))
        return;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        unsigned lines = 1;
        for (char *end; rest != NULL && (end = rest - 1) > line && end[-1] == '\\'; lines++) {
            end[-1] = end[0] = ' ';
            strsep(&rest, "\n");
        }
        search_line(search, place, file, number, text_trim(line));
        number += lines;
    }
}

static void search_places(struct search *search)
{
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        autolist char **names = NULL;
        if (sysfs_list(sysroot_fd(search->sysroot), places[i].folder, &names) < 0)
            continue;
        for (char **name = names; *name != NULL; name++) {
            autofree char *file = xasprintf("%s/%s", places[i].folder, *name);
            if (text_ends_with(*name, places[i].suffix))
                search_file(search, &places[i], file);
        }
    }
}

/* A file with the device's bus and name, which holds the driver. */
static void search_driverctl(struct search *search)
{
    autofree char *file = xasprintf("etc/driverctl.d/pci-%s", search->id);
    char driver[128];

    if (sysfs_read(sysroot_fd(search->sysroot), file, driver, sizeof(driver)) >= 0)
        add(search, "driverctl", OWNED_DRIVER, file, 0, driver);
}

static void search_settings(struct search *search)
{
    struct host_settings settings;

    host_settings_read(search->sysroot, &settings);
    for (size_t i = 0; i < settings.count; i++) {
        const struct setting *setting = &settings.list[i];
        autofree char *line = xasprintf("%s = %s", setting->module, setting->value);
        if (setting->kind == SETTING_SYSFS && names_device(search, setting->module)) {
            if (text_ends_with(setting->module, "/sriov_numvfs"))
                add(search, "sysfsutils", OWNED_VFS, setting->file, setting->line, line);
            else if (text_ends_with(setting->module, "/driver_override"))
                add(search, "sysfsutils", OWNED_DRIVER, setting->file, setting->line, line);
        }
        if (setting->kind == SETTING_OPTIONS && search->device->driver[0] != '\0' &&
            module_name_equal(setting->module, search->device->driver) &&
            strstr(setting->value, "max_vfs=") != NULL)
            add(search, "modprobe", OWNED_VFS, setting->file, setting->line, setting->value);
    }
    host_settings_release(&settings);
}

json_t *owner_list(const struct sysroot *sysroot, const struct pci_device *device)
{
    struct search search = {.sysroot = sysroot, .device = device, .list = json_array()};
    autolist char **interfaces = NULL;

    pci_address_format(device->address, search.id);
    if (sysfs_list(sysroot_fd(sysroot), path_of_function(search.id, "net").text, &interfaces) >= 0)
        search.interfaces = interfaces;
    search_settings(&search);
    search_driverctl(&search);
    search_places(&search);
    return search.list;
}

static void describe_edit(const json_t *owner, const char *id, struct text *text)
{
    const char *file = json_text(owner, "file");
    long long line = json_integer_value(json_object_get(owner, "line"));

    if (line == 0)
        text_printf(text, "'%s' (%s): type `driverctl unset-override %s`", file, json_text(owner, "owner"),
                    id);
    else
        text_printf(text, "line %lld of '%s' (%s: %.200s): remove that line, or its part, by hand", line,
                    file, json_text(owner, "owner"), json_text(owner, "text"));
}

static int refuse(const char *id, const char *ours, const struct text *places_text, struct error *err)
{
    return error_set(
        err, ERROR_CONFLICT,
        "%s is not given %s, which hostpci would keep in its journal, because somebody else sets the same at "
        "boot: %s",
        id, ours, places_text->data);
}

int owner_check(const struct sysroot *sysroot, const struct pci_device *device, enum owned what,
                const char *ours, struct error *err)
{
    autojson json_t *list = owner_list(sysroot, device);
    autotext struct text places_text = {0};
    char id[PCI_ADDRESS_SIZE];
    size_t i;
    const json_t *owner;

    pci_address_format(device->address, id);
    json_array_foreach(list, i, owner) {
        if (strcmp(json_text(owner, "what"), what_names[what]) != 0)
            continue;
        text_append(&places_text, places_text.length > 0 ? "; " : "");
        describe_edit(owner, id, &places_text);
    }
    return places_text.length == 0 ? 0 : refuse(id, ours, &places_text, err);
}

/* "bus/pci/devices/0000:01:00.0/sriov_numvfs" or "class/net/eth1/device/sriov_numvfs" of this function, and
 * not a path with a wildcard or another attribute. */
static bool is_attribute(const struct sysroot *sysroot, const char *id, const char *attribute,
                         const char *path)
{
    autolist char **interfaces = NULL;
    autofree char *end = xasprintf("/%s/%s", id, attribute);

    if (text_ends_with(path, end))
        return true;
    if (sysfs_list(sysroot_fd(sysroot), path_of_function(id, "net").text, &interfaces) < 0)
        return false;
    for (char **name = interfaces; *name != NULL; name++) {
        autofree char *other = xasprintf("class/net/%s/device/%s", *name, attribute);
        if (strcmp(path, other) == 0)
            return true;
    }
    return false;
}

/* Where the line begins; NULL if it is not this assignment and nothing else. */
static const char *find_line(const struct sysroot *sysroot, const char *id, enum owned what, const char *text,
                             long long number, const char *value)
{
    static const char *const attributes[OWNED_KINDS] = {
        [OWNED_DRIVER] = "driver_override", [OWNED_VFS] = "sriov_numvfs"};
    const char *begin = text;

    for (; number > 1 && begin != NULL; number--)
        begin = strchr(begin, '\n') != NULL ? strchr(begin, '\n') + 1 : NULL;
    if (begin == NULL)
        return NULL;
    autofree char *copy = xstrndup(begin, strcspn(begin, "\n"));
    char *rest = copy, *path = text_trim(strsep(&rest, "="));
    return rest != NULL && strcmp(text_trim(rest), value) == 0 &&
                   is_attribute(sysroot, id, attributes[what], path)
               ? begin
               : NULL;
}

static json_t *find_file(json_t *files, const char *file)
{
    size_t i;
    json_t *row;

    json_array_foreach(files, i, row)
        if (strcmp(json_text(row, "file"), file) == 0)
            return row;
    return NULL;
}

/* The row of the file in `files`, which is made if it is missing. */
static int open_row(const struct sysroot *sysroot, json_t *files, const char *file, json_t **ret,
                    struct error *err)
{
    autofree char *text = NULL;

    *ret = find_file(files, file);
    if (*ret != NULL)
        return 0;
    if (modprobe_read_file(sysroot, file, &text, err) != 0)
        return -1;
    json_array_append_new(files, json_pack("{s:s, s:s, s:s}", "file", file, "before",
                                           text != NULL ? text : "", "after", text != NULL ? text : ""));
    *ret = json_array_get(files, json_array_size(files) - 1);
    return 0;
}

/* One that sets the same; it is at a place of its own in `text` of the file. */
static int take_line(const struct sysroot *sysroot, const json_t *owner, const char *id, enum owned what,
                     const char *ours, const char *value, json_t *files, struct text *how, struct error *err)
{
    const char *file = json_text(owner, "file") + 1; /* without its slash */
    long long line = json_integer_value(json_object_get(owner, "line"));
    autotext struct text places_text = {0};
    json_t *row = NULL;

    if (strcmp(json_text(owner, "owner"), "sysfsutils") != 0) {
        describe_edit(owner, id, &places_text);
        return refuse(id, ours, &places_text, err);
    }
    if (open_row(sysroot, files, file, &row, err) != 0)
        return -1;
    const char *text = json_text(row, "after"), *begin = find_line(sysroot, id, what, text, line, value);
    if (begin == NULL)
        return error_set(
            err, ERROR_CONFLICT,
            "line %lld of '/%s' (%.200s) is not taken over, as it does not set the same for %s, '%s', "
            "and nothing else: ask for what stands there, or change it by hand",
            line, file, json_text(owner, "text"), id, value);
    autofree char *after = xasprintf("%.*s" OWNER_TAKEN "%s", (int)(begin - text), text, begin);
    json_object_set_new(row, "after", json_string(after));
    text_printf(how, "%sremove '" OWNER_TAKEN "' from line %lld of '/%s'", how->length > 0 ? ", " : "", line,
                file);
    return 0;
}

int owner_take_over(const struct sysroot *sysroot, const struct pci_device *device, enum owned what,
                    const char *ours, const char *value, json_t *files, struct text *how, struct error *err)
{
    autojson json_t *list = owner_list(sysroot, device);
    char id[PCI_ADDRESS_SIZE];
    size_t i;
    const json_t *owner;

    pci_address_format(device->address, id);
    json_array_foreach(list, i, owner)
        if (strcmp(json_text(owner, "what"), what_names[what]) == 0 &&
            take_line(sysroot, owner, id, what, ours, value, files, how, err) != 0)
            return -1;
    return 0;
}
