/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a configuration on their way in. */
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

static const char units[] = "KMGT"; /* each 1024 of the one before */

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

static char *reprint(const char *key, json_t *values)
{
    const char *size = json_string_value(json_object_get(values, "size"));

    if (size != NULL) {
        autofree char *printed = vm_value_print_size(vm_value_parse_size(size));
        json_object_set_new(values, "size", json_string(printed));
    }
    return property_string_print(vm_key_find(key, NULL), values);
}

static int store_keys(const char *key, const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (property_string_parse(vm_key_find(key, NULL), value, &values, err) != 0)
        return -1;
    *ret = reprint(key, values);
    return 0;
}

static int store_drive(const char *key, const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_disk_parse(key, value, &values, err) != 0)
        return -1;
    *ret = reprint(key, values);
    return 0;
}

static int store_hostpci(const char *value, char **ret, struct error *err)
{
    autohostpci struct vm_hostpci hostpci = {0};

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
static char *store_tags(const char *value)
{
    autofree char *lower = xstrdup(value);
    struct text text = {0};
    size_t count = 0;

    for (char *letter = lower; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    autosplit char **tags = format_split_list(lower);
    while (tags[count] != NULL)
        count++;
    qsort(tags, count, sizeof(*tags), compare_tags);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(tags[i], tags[i - 1]) != 0)
            text_printf(&text, "%s%s", i > 0 ? ";" : "", tags[i]);
    return text_take(&text);
}

int vm_value_store(const char *key, const char *value, char **ret, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    enum vm_kind kind = vm_key_about(schema)->kind;

    if (strcmp(key, "description") != 0 && strpbrk(value, "\r\n") != NULL)
        return error_set_field(err, key, "%s: a value cannot have a line end", key);
    if (kind == VM_DRIVE)
        return store_drive(key, value, ret, err);
    if (kind == VM_PCI)
        return store_hostpci(value, ret, err);
    if (kind == VM_USB)
        return store_usb(key, value, ret, err);
    if (kind == VM_NET || kind == VM_EFIDISK || (strcmp(key, "boot") == 0 && strstr(value, "order=") != NULL))
        return store_keys(key, value, ret, err);
    *ret = strcmp(key, "tags") == 0 ? store_tags(value) : xstrdup(value);
    return 0;
}
