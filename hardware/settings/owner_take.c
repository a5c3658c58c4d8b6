/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be kept here while somebody else sets it at boot: refused, or taken over. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/settings/modprobe.h"
#include "hardware/settings/owner.h"

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

/* mdevctl's files are ours as well. */
static bool is_rival(const json_t *owner, const struct owned_setting *setting)
{
    return strcmp(json_text(owner, "what"), owned_names[setting->what]) == 0 &&
           strcmp(json_text(owner, "owner"), "mdevctl") != 0 &&
           (setting->named == NULL || strcasestr(json_text(owner, "text"), setting->named) != NULL);
}

static int refuse(const char *id, const char *ours, const struct text *places_text, struct error *err)
{
    return error_set(
        err, ERROR_CONFLICT,
        "%s is not given %s, which hostpci would keep in its journal, because somebody else sets the same at "
        "boot: %s",
        id, ours, places_text->data);
}

int owner_check(const struct sysroot *sysroot, const struct pci_device *device,
                const struct owned_setting *setting, struct error *err)
{
    autojson json_t *list = owner_list(sysroot, device);
    autotext struct text places_text = {0};
    char id[PCI_ADDRESS_SIZE];
    size_t i;
    const json_t *owner;

    pci_address_format(device->address, id);
    json_array_foreach(list, i, owner) {
        if (!is_rival(owner, setting))
            continue;
        text_append(&places_text, places_text.length > 0 ? "; " : "");
        describe_edit(owner, id, &places_text);
    }
    return places_text.length == 0 ? 0 : refuse(id, setting->ours, &places_text, err);
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
static const char *find_line(const struct sysroot *sysroot, const char *id,
                             const struct owned_setting *setting, const char *text, long long number)
{
    const char *begin = text;

    for (; number > 1 && begin != NULL; number--)
        begin = strchr(begin, '\n') != NULL ? strchr(begin, '\n') + 1 : NULL;
    if (begin == NULL)
        return NULL;
    autofree char *copy = xstrndup(begin, strcspn(begin, "\n"));
    char *rest = copy, *path = text_trim(strsep(&rest, "="));
    return rest != NULL && strcmp(text_trim(rest), setting->value) == 0 &&
                   is_attribute(sysroot, id, setting->attribute, path)
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
static int take_line(const struct sysroot *sysroot, const json_t *owner, const char *id,
                     const struct owned_setting *setting, json_t *files, struct text *how, struct error *err)
{
    const char *file = json_text(owner, "file") + 1; /* without its slash */
    long long line = json_integer_value(json_object_get(owner, "line"));
    autotext struct text places_text = {0};
    json_t *row = NULL;

    if (strcmp(json_text(owner, "owner"), "sysfsutils") != 0) {
        describe_edit(owner, id, &places_text);
        return refuse(id, setting->ours, &places_text, err);
    }
    if (open_row(sysroot, files, file, &row, err) != 0)
        return -1;
    const char *text = json_text(row, "after"), *begin = find_line(sysroot, id, setting, text, line);
    if (begin == NULL)
        return error_set(
            err, ERROR_CONFLICT,
            "line %lld of '/%s' (%.200s) is not taken over, as it does not set the same for %s, '%s', "
            "and nothing else: ask for what stands there, or change it by hand",
            line, file, json_text(owner, "text"), id, setting->value);
    autofree char *after = xasprintf("%.*s" OWNER_TAKEN "%s", (int)(begin - text), text, begin);
    json_object_set_new(row, "after", json_string(after));
    text_printf(how, "%sremove '" OWNER_TAKEN "' from line %lld of '/%s'", how->length > 0 ? ", " : "", line,
                file);
    return 0;
}

int owner_take_over(const struct sysroot *sysroot, const struct pci_device *device,
                    const struct owned_setting *setting, json_t *files, struct text *how, struct error *err)
{
    autojson json_t *list = owner_list(sysroot, device);
    char id[PCI_ADDRESS_SIZE];
    size_t i;
    const json_t *owner;

    pci_address_format(device->address, id);
    json_array_foreach(list, i, owner)
        if (is_rival(owner, setting) && take_line(sysroot, owner, id, setting, files, how, err) != 0)
            return -1;
    return 0;
}
