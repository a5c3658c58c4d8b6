/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration as a file: printing it. */
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "vm/config/parts.h"
#include "vm/value.h"

static void print_description(struct text *text, const char *description)
{
    for (const char *line = description; line != NULL;) {
        size_t length = strcspn(line, "\n");
        text_append(text, "#");
        vm_value_append_encoded(text, line, length);
        text_append(text, "\n");
        line = line[length] == '\n' ? line + length + 1 : NULL;
    }
}

/* Proxmox VE does not know the feature pci, and would refuse the whole value. The caller frees. */
static char *print_features(const char *list)
{
    autosplit char **features = format_split_list(list);
    struct text text = {0};

    for (char **feature = features; *feature != NULL; feature++)
        if (strcmp(*feature, "pci") != 0)
            text_printf(&text, "%s%s", text.length > 0 ? "," : "", *feature);
    if (text.length == 0)
        text_append(&text, "0");
    return text_take(&text);
}

static void print_line(struct text *text, const char *key, const json_t *value)
{
    autofree char *features = strcmp(key, "hotplug") == 0 && json_is_string(value)
                                  ? print_features(json_string_value(value))
                                  : NULL;

    if (features != NULL)
        text_printf(text, "%s: %s\n", key, features);
    else if (json_is_integer(value))
        text_printf(text, "%s: %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
    else
        text_printf(text, "%s: %s\n", key, json_string_value(value));
}

static void print_section(struct text *text, const json_t *values)
{
    autosplit char **keys = vm_config_sort(values);

    print_description(text, json_string_value(json_object_get(values, "description")));
    for (char **key = keys; *key != NULL; key++)
        if (strcmp(*key, "description") != 0)
            print_line(text, *key, json_object_get(values, *key));
}

/* "balloon,!scsi1", where ! means by force; NULL if there are none. */
static json_t *list_removed(const json_t *removed)
{
    autosplit char **keys = vm_config_sort(removed);
    autotext struct text list = {0};

    for (char **key = keys; *key != NULL; key++)
        text_printf(&list, "%s%s%s", list.length > 0 ? "," : "",
                    json_integer_value(json_object_get(removed, *key)) == 2 ? "!" : "", *key);
    return list.length > 0 ? json_string(text_string(&list)) : NULL;
}

int vm_config_check_size(const json_t *document, struct error *err)
{
    autofree char *file = vm_config_print(document);

    if (strlen(file) <= VM_CONFIG_LIMIT)
        return 0;
    return error_set(err, ERROR_INVALID, "the configuration would have more than %zu bytes", VM_CONFIG_LIMIT);
}

char *vm_config_print(const json_t *document)
{
    const json_t *pending = json_object_get(document, "pending");
    autojson json_t *removed = list_removed(json_object_get(document, "delete"));
    struct text text = {0};

    print_section(&text, json_object_get(document, "config"));
    if (json_object_size(pending) > 0 || removed != NULL) {
        autojson json_t *section = pending != NULL ? json_copy((json_t *)pending) : json_object();
        if (removed != NULL)
            json_object_set(section, "delete", removed);
        text_append(&text, "\n[PENDING]\n");
        print_section(&text, section);
    }
    return text_take(&text);
}
