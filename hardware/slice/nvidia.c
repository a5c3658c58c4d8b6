/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's own interface for vGPUs. */
#include "hardware/slice/nvidia.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/sysfs.h"

#define MOST_TEXT 65536

/* "  557 : NVIDIA A40-1B". NULL for the heading and anything else. */
static json_t *parse_type(char *line, int available)
{
    char *colon = strchr(line, ':'), type[32];
    unsigned long long number;

    if (colon == NULL)
        return NULL;
    *colon = '\0';
    if (!text_to_number(text_trim(line), 10, UINT_MAX, &number))
        return NULL;
    snprintf(type, sizeof(type), "nvidia-%llu", number);
    return json_pack("{s:s, s:s, s:i, s:s}", "type", type, "name", text_trim(colon + 1), "available",
                     available, "description", "");
}

static const char *type_of(const json_t *entry)
{
    return json_string_value(json_object_get(entry, "type"));
}

/* Sorted, as the kernel's types are. */
static void insert_sorted(json_t *list, json_t *entry)
{
    size_t at = json_array_size(list);

    while (at > 0 && strcmp(type_of(json_array_get(list, at - 1)), type_of(entry)) > 0)
        at--;
    json_array_insert_new(list, at, entry);
}

void nvidia_list_types(int function, json_t *list)
{
    autofree char *text = NULL;
    long long current = 0;
    char *rest;

    if (sysfs_read_whole(function, "nvidia/creatable_vgpu_types", MOST_TEXT, &text) < 0)
        return;
    sysfs_read_number(function, "nvidia/current_vgpu_type", &current);
    rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *entry = parse_type(line, current == 0 ? 1 : 0);
        if (entry != NULL)
            insert_sorted(list, entry);
    }
}
