/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets a driver, a number of virtual functions or a mediated device at boot: where it stands. */
#include "hardware/settings/owner.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/settings.h"
#include "hardware/paths.h"
#include "hardware/slice/mdevctl.h"

#define MOST_TEXT    262144
#define MOST_SCRIPTS 512 /* that are looked at for one function */

const char *const owned_names[OWNED_KINDS] = {
    [OWNED_DRIVER] = "driver", [OWNED_VFS] = "vfs", [OWNED_MDEV] = "mdev"};

/* What in a line, or in the path of a sysfs.conf, sets something; the last has no text. */
struct word {
    const char *text;
    enum owned what;
};
static const struct word attribute_words[] = {
    {"sriov_numvfs", OWNED_VFS},
    {"driver_override", OWNED_DRIVER},
    {"mdev_supported_types", OWNED_MDEV},
    {"current_vgpu_type", OWNED_MDEV},
    {NULL, OWNED_VFS},
};
static const struct word link_words[] = {
    {"SR-IOVVirtualFunctions=", OWNED_VFS},
    {"VirtualFunction=",
     OWNED_VFS}, /* of an [SR-IOV] section: without the former the highest makes the number */
    {NULL, OWNED_VFS},
};
static const struct word connection_words[] = {{"total-vfs", OWNED_VFS}, {NULL, OWNED_VFS}};
static const struct word netplan_words[] = {{"virtual-function-count", OWNED_VFS}, {NULL, OWNED_VFS}};

/* Where the device has to be named for a line to be about it. */
enum named {
    IN_FILE,    /* the first line with a word stands for all of the file */
    IN_LINE,    /* in that very line */
    BY_VARIABLE /* there, or in its part of the file if the line has a variable */
};

/* Files in which a line with one of the words sets something. `part`: lines that begin so begin a part of the
 * file; NULL: it has none. `runs`: what a line has that runs programs; NULL: no line does. */
static const struct place {
    const char *owner, *folder, *suffix;
    const struct word *words;
    enum named named;
    const char *part, *runs;
} places[] = {
    {"udev", "etc/udev/rules.d", ".rules", attribute_words, IN_LINE, NULL, "RUN"},
    {"udev", "run/udev/rules.d", ".rules", attribute_words, IN_LINE, NULL, "RUN"},
    {"udev", "usr/local/lib/udev/rules.d", ".rules", attribute_words, IN_LINE, NULL, "RUN"},
    {"udev", "usr/lib/udev/rules.d", ".rules", attribute_words, IN_LINE, NULL, "RUN"},
    {"systemd", "etc/systemd/network", ".link", link_words, IN_FILE, NULL, NULL},
    {"systemd", "run/systemd/network", ".link", link_words, IN_FILE, NULL, NULL},
    {"systemd", "usr/local/lib/systemd/network", ".link", link_words, IN_FILE, NULL, NULL},
    {"systemd", "usr/lib/systemd/network", ".link", link_words, IN_FILE, NULL, NULL},
    {"networkmanager", "etc/NetworkManager/system-connections", ".nmconnection", connection_words, IN_FILE,
     NULL, NULL},
    {"networkmanager", "run/NetworkManager/system-connections", ".nmconnection", connection_words, IN_FILE,
     NULL, NULL},
    {"networkmanager", "usr/lib/NetworkManager/system-connections", ".nmconnection", connection_words,
     IN_FILE, NULL, NULL},
    {"netplan", "etc/netplan", ".yaml", netplan_words, IN_FILE, NULL, NULL},
    {"netplan", "run/netplan", ".yaml", netplan_words, IN_FILE, NULL, NULL},
    {"netplan", "usr/lib/netplan", ".yaml", netplan_words, IN_FILE, NULL, NULL},
    {"script", "etc", "rc.local", attribute_words, BY_VARIABLE, NULL, ""},
    {"script", "etc/network", "interfaces", attribute_words, BY_VARIABLE, "iface ", ""},
    {"script", "etc/network/interfaces.d", "", attribute_words, BY_VARIABLE, "iface ", ""},
    {"script", "etc/cron.d", "", attribute_words, BY_VARIABLE, NULL, ""},
    {"script", "etc/systemd/system", ".service", attribute_words, BY_VARIABLE, NULL, "Exec"},
    {"script", "run/systemd/system", ".service", attribute_words, BY_VARIABLE, NULL, "Exec"},
    {"script", "usr/local/lib/systemd/system", ".service", attribute_words, BY_VARIABLE, NULL, "Exec"},
    {"script", "usr/lib/systemd/system", ".service", attribute_words, BY_VARIABLE, NULL, "Exec"},
};

/* A script that one of them runs. What it runs itself is not looked at. */
static const struct place script = {"script", "", "", attribute_words, BY_VARIABLE, NULL, NULL};

struct search {
    const struct sysroot *sysroot;
    const struct pci_device *device;
    char id[PCI_ADDRESS_SIZE];
    json_t *names; /* of the function: its id, its interfaces and their addresses */
    unsigned scripts;
    json_t *list;
};

static void add(struct search *search, const char *owner, enum owned what, const char *file, unsigned line,
                const char *text)
{
    autofree char *path = xasprintf("/%s", file);

    json_array_append_new(search->list,
                          json_pack("{s:s, s:s, s:s, s:i, s:s}", "owner", owner, "what", owned_names[what],
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
    const json_t *name;
    size_t i;

    json_array_foreach(search->names, i, name)
        if (names_word(text, json_string_value(name)))
            return true;
    return false;
}

static const struct word *find_word(const struct word *words, const char *text)
{
    while (words->text != NULL && strstr(text, words->text) == NULL)
        words++;
    return words->text != NULL ? words : NULL;
}

/* A file while it is read. */
struct reading {
    const struct place *place;
    const char *file, *caller; /* NULL: it is in its place */
    bool named;                /* the device is, in this part */
};

/* True if it sets something. */
static bool search_line(struct search *search, const struct reading *reading, unsigned number,
                        const char *line)
{
    const struct place *place = reading->place;
    const struct word *word = find_word(place->words, line);

    if (word == NULL)
        return false;
    if (!names_device(search, line) && (!reading->named || place->named == IN_LINE ||
                                        (place->named == BY_VARIABLE && strchr(line, '$') == NULL)))
        return false;
    autofree char *told =
        reading->caller == NULL ? xstrdup(line) : xasprintf("%s, run by /%s", line, reading->caller);
    add(search, place->owner, word->what, reading->file, number, told);
    return true;
}

static void search_scripts(struct search *search, const char *caller, const char *line);

/* A line that ends with a backslash goes on in the next one. */
static void search_text(struct search *search, struct reading *reading, char *text)
{
    const struct place *place = reading->place;
    unsigned number = 1;

    for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL;) {
        unsigned lines = 1;
        for (char *end; rest != NULL && (end = rest - 1) > line && end[-1] == '\\'; lines++) {
            end[-1] = end[0] = ' ';
            strsep(&rest, "\n");
        }
        line = text_trim(line);
        if (place->part != NULL && text_starts_with(line, place->part))
            reading->named = names_device(search, line);
        if (line[0] != '#' && line[0] != ';') {
            if (search_line(search, reading, number, line) && place->named == IN_FILE)
                return;
            if (place->runs != NULL && strstr(line, place->runs) != NULL)
                search_scripts(search, reading->file, line);
        }
        number += lines;
    }
}

static void search_file(struct search *search, const struct place *place, const char *file)
{
    autofree char *text = NULL;

    if (sysfs_read_whole(sysroot_fd(search->sysroot), file, MOST_TEXT, &text) < 0)
        return;
    struct reading reading = {.place = place, .file = file, .named = names_device(search, text)};
    if (reading.named || place->runs != NULL)
        search_text(search, &reading, text);
}

static bool is_told(const struct search *search, const char *file)
{
    const json_t *row;
    size_t i;

    json_array_foreach(search->list, i, row)
        if (strcmp(json_text(row, "file") + 1, file) == 0)
            return true;
    return false;
}

/* It gets the device as an argument, or names it. */
static void search_script(struct search *search, const char *caller, const char *line, const char *file)
{
    struct reading reading = {.place = &script, .file = file, .caller = caller};
    autofree char *text = NULL;
    char first[2];

    if (search->scripts++ >= MOST_SCRIPTS || is_told(search, file) ||
        sysfs_read_bytes(sysroot_fd(search->sysroot), file, first, sizeof(first)) != -EFBIG ||
        memcmp(first, "#!", sizeof(first)) != 0 ||
        sysfs_read_whole(sysroot_fd(search->sysroot), file, MOST_TEXT, &text) < 0)
        return;
    reading.named = names_device(search, line) || names_device(search, text);
    if (reading.named)
        search_text(search, &reading, text);
}

/* What may be opened without doing anything. */
static bool may_be_script(const char *word)
{
    static const char *const others[] = {"dev", PROC, SYS};

    if (word[0] != '/' || strstr(word, "..") != NULL)
        return false;
    size_t top = strcspn(word + 1, "/");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (strlen(others[i]) == top && strncmp(word + 1, others[i], top) == 0)
            return false;
    return true;
}

static void search_scripts(struct search *search, const char *caller, const char *line)
{
    autofree char *copy = xstrdup(line);
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " \t\"'=;&|`()<>{},")) != NULL;) {
        word += strspn(word, "-@:+!"); /* of systemd's */
        if (may_be_script(word))
            search_script(search, caller, line, word + 1);
    }
}

/* Also drop-ins of units, in folders such as vfs.service.d. */
static void search_folder(struct search *search, const struct place *place, const char *folder,
                          const char *suffix)
{
    autolist char **names = NULL;

    if (sysfs_list(sysroot_fd(search->sysroot), folder, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf("%s/%s", folder, *name);
        if (text_ends_with(*name, suffix))
            search_file(search, place, file);
        else if (strcmp(suffix, ".service") == 0 && text_ends_with(*name, ".service.d"))
            search_folder(search, place, file, ".conf");
    }
}

static void search_places(struct search *search)
{
    for (size_t i = 0; i < COUNT_OF(places); i++)
        search_folder(search, &places[i], places[i].folder, places[i].suffix);
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
        const struct word *word = find_word(attribute_words, setting->module);
        if (setting->kind == SETTING_SYSFS && word != NULL && names_device(search, setting->module))
            add(search, "sysfsutils", word->what, setting->file, setting->line, line);
        if (setting->kind == SETTING_OPTIONS && search->device->driver[0] != '\0' &&
            module_name_equal(setting->module, search->device->driver) &&
            strstr(setting->value, "max_vfs=") != NULL)
            add(search, "modprobe", OWNED_VFS, setting->file, setting->line, setting->value);
    }
    host_settings_release(&settings);
}

/* What is made at the start of the host. hostpci keeps its own there, too (hardware/slice/mdevctl.h). */
static void search_mdevctl(struct search *search)
{
    autojson json_t *files = NULL;
    struct error ignored;
    const json_t *row;
    size_t i;

    if (mdevctl_list(search->sysroot, &files, &ignored) != 0)
        return;
    json_array_foreach(files, i, row) {
        autofree char *file = xasprintf(ETC_MDEVCTL "/%s/%s", search->id, json_text(row, "uuid"));
        if (strcmp(json_text(row, "parent"), search->id) == 0 && strcmp(json_text(row, "start"), "auto") == 0)
            add(search, "mdevctl", OWNED_MDEV, file, 0, json_text(row, "type"));
    }
}

static json_t *list_names(const struct search *search)
{
    json_t *names = json_pack("[s]", search->id);
    autolist char **interfaces = NULL;
    char address[32];

    if (sysfs_list(sysroot_fd(search->sysroot), path_of_function(search->id, "net").text, &interfaces) < 0)
        return names;
    for (char **name = interfaces; *name != NULL; name++) {
        autofree char *below = xasprintf("net/%s/address", *name);
        json_array_append_new(names, json_string(*name));
        if (sysfs_read(sysroot_fd(search->sysroot), path_of_function(search->id, below).text, address,
                       sizeof(address)) > 0)
            json_array_append_new(names, json_string(address));
    }
    return names;
}

json_t *owner_list(const struct sysroot *sysroot, const struct pci_device *device)
{
    struct search search = {.sysroot = sysroot, .device = device, .list = json_array()};

    pci_address_format(device->address, search.id);
    search.names = list_names(&search);
    search_settings(&search);
    search_driverctl(&search);
    search_mdevctl(&search);
    search_places(&search);
    json_decref(search.names);
    return search.list;
}
