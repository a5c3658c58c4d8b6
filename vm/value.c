/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a VM's configuration: how they are stored, and how stored ones are read. */
#include "vm/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "vm/disk.h"
#include "vm/hostpci.h"
#include "vm/keys.h"
#include "vm/refusal.h"

static const char units[] = "KMGT"; /* each is 1024 of the one before */

unsigned long long vm_value_parse_size(const char *size)
{
    char *unit;
    double number = strtod(size, &unit);
    const char *found = *unit != '\0' ? strchr(units, *unit) : NULL;

    for (const char *at = units; found != NULL && at <= found; at++)
        number *= 1024;
    return (unsigned long long)number;
}

char *vm_value_print_size(unsigned long long bytes)
{
    size_t unit = 0;

    while (unit < strlen(units) && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    return unit == 0 ? xasprintf("%llu", bytes) : xasprintf("%llu%c", bytes, units[unit - 1]);
}

/* The parts in the order of their schema, the size in its largest unit. */
static char *reprint(const char *key, json_t *values)
{
    const char *size = json_string_value(json_object_get(values, "size"));

    if (size != NULL) {
        autofree char *printed = vm_value_print_size(vm_value_parse_size(size));
        json_object_set_new(values, "size", json_string(printed));
    }
    return property_string_print(vm_key_find(key, NULL), values);
}

static int store_parts(const char *key, const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (property_string_parse(vm_key_find(key, NULL), value, &values, err) != 0)
        return -1;
    *ret = reprint(key, values);
    return 0;
}

static int store_boot(const char *key, const char *value, char **ret, struct error *err)
{
    if (strstr(value, "order=") != NULL)
        return store_parts(key, value, ret, err);
    *ret = xstrdup(value);
    return 0;
}

static int store_disk(const char *key, const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_disk_parse(key, value, &values, err) != 0)
        return -1;
    *ret = reprint(key, values);
    return 0;
}

static int store_hostpci(const char *key, const char *value, char **ret, struct error *err)
{
    autohostpci struct vm_hostpci hostpci = {0};

    (void)key;
    if (vm_hostpci_parse(value, &hostpci, err) != 0)
        return -1;
    *ret = xstrdup(value);
    return 0;
}

static int store_usb(const char *key, const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (property_string_parse(vm_key_find(key, NULL), value, &values, err) != 0)
        return -1;
    bool host = json_object_get(values, "host") != NULL, mapping = json_object_get(values, "mapping") != NULL;
    if (host && mapping)
        return error_set(err, ERROR_INVALID, "Cannot set both 'host' and 'mapping'.");
    if (!host && !mapping)
        return error_set(err, ERROR_INVALID, "Either 'host' or 'mapping' must be set.");
    *ret = xstrdup(value);
    return 0;
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lower case, sorted, each once. */
static int store_tags(const char *key, const char *value, char **ret, struct error *err)
{
    autofree char *lower = xstrdup(value);
    struct text text = {0};
    size_t count = 0;

    (void)key, (void)err;
    for (char *letter = lower; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    autosplit char **tags = format_split_list(lower);
    while (tags[count] != NULL)
        count++;
    qsort(tags, count, sizeof(*tags), compare_tags);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(tags[i], tags[i - 1]) != 0)
            text_printf(&text, "%s%s", i > 0 ? ";" : "", tags[i]);
    *ret = text_take(&text);
    return 0;
}

/* A value of any other kind is stored as it was sent. */
static int (*const stores[VM_KINDS])(const char *key, const char *value, char **ret, struct error *err) = {
    [VM_KIND_HOSTPCI] = store_hostpci, [VM_KIND_USB] = store_usb,       [VM_KIND_NET] = store_parts,
    [VM_KIND_DISK] = store_disk,       [VM_KIND_EFIDISK] = store_parts, [VM_KIND_BOOT] = store_boot,
    [VM_KIND_TAGS] = store_tags,
};

int vm_value_store(const char *key, const char *value, char **ret, struct error *err)
{
    enum vm_kind kind = vm_key_about(vm_key_find(key, NULL))->kind;

    if (strcmp(key, "description") != 0 && strpbrk(value, "\r\n") != NULL)
        return error_set_field(err, key, "%s: a value cannot have a line end", key);
    if (stores[kind] != NULL)
        return stores[kind](key, value, ret, err);
    *ret = xstrdup(value);
    return 0;
}

int vm_value_parts(const json_t *config, const char *key, json_t **ret, struct error *err)
{
    const json_t *value = json_object_get(config, key);
    autofree char *number = json_is_integer(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const char *string = number != NULL ? number : json_string_value(value);

    if (string == NULL) {
        *ret = json_object();
        return 0;
    }
    if (property_string_parse(vm_key_find(key, NULL), string, ret, err) != 0)
        return vm_refuse_key(key, err);
    return 0;
}

long long vm_value_number(const json_t *values, const char *key, long long fallback)
{
    const json_t *value = json_object_get(values, key);

    if (json_is_string(value))
        return strtoll(json_string_value(value), NULL, 10);
    return json_is_number(value) ? (long long)json_number_value(value) : fallback;
}

bool vm_value_hotplugs(const json_t *config, const char *feature)
{
    const char *list = json_string_value(json_object_get(config, "hotplug"));
    autosplit char **features = format_split_list(list != NULL ? list : "");

    for (char **given = features; *given != NULL; given++)
        if (strcmp(*given, feature) == 0)
            return true;
    return false;
}

void vm_value_append_encoded(struct text *text, const char *plain, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)plain[i];
        if (byte < ' ' || byte > '~' || byte == '%' || byte == ':')
            text_printf(text, "%%%02X", byte);
        else
            text_append_bytes(text, &byte, 1);
    }
}

void vm_value_append_decoded(struct text *text, const char *encoded)
{
    for (; *encoded != '\0'; encoded++) {
        char digits[3] = "";
        unsigned long long byte;
        if (*encoded == '%')
            memcpy(digits, encoded + 1, strnlen(encoded + 1, 2));
        if (strlen(digits) == 2 && text_to_number(digits, 16, 255, &byte) && byte != 0) {
            text_append_bytes(text, &(char){(char)byte}, 1);
            encoded += 2;
        } else {
            text_append_bytes(text, encoded, 1);
        }
    }
}
