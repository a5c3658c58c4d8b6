/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address windows of a PCI function. */
#include "hardware/pci/resource.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FLAG_SHADOW       0x00000002 /* of a ROM */
#define FLAG_IO           0x00000100
#define FLAG_MEMORY       0x00000200
#define FLAG_PREFETCHABLE 0x00002000
#define FLAG_64_BITS      0x00100000

static const char *const window_names[] = {"bar0", "bar1", "bar2", "bar3", "bar4", "bar5", RESOURCE_ROM,
                                           "iov0", "iov1", "iov2", "iov3", "iov4", "iov5"};

/* A kernel without CONFIG_PCI_IOV has no lines for virtual functions. A bridge has four more lines for the
 * windows behind it, so a file of eleven lines is a bridge's on such a kernel. */
enum { LINES_WITHOUT_IOV = 7, LINES_WITH_IOV = 13 };

/* NULL if the window is not in use. */
static json_t *parse_window(const char *name, const char *line)
{
    uint64_t start, end, flags;
    char text[24];

    if (sscanf(line, "0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64, &start, &end, &flags) != 3)
        return NULL;
    if ((flags & (FLAG_IO | FLAG_MEMORY)) == 0 || end <= start || end - start >= INT64_MAX)
        return NULL;
    snprintf(text, sizeof(text), "0x%" PRIx64, start);
    const char *type = flags & FLAG_IO ? "io" : flags & FLAG_64_BITS ? "mem64" : "mem32";
    json_t *window = json_pack("{s:s, s:s, s:I, s:s}", "name", name, "start", text, "size",
                               (json_int_t)(end - start + 1), "type", type);
    if (flags & FLAG_PREFETCHABLE)
        json_object_set_new(window, "prefetchable", json_integer(1));
    if (flags & FLAG_SHADOW && strcmp(name, RESOURCE_ROM) == 0)
        json_object_set_new(window, "shadow", json_integer(1));
    return window;
}

static size_t count_lines(const char *text)
{
    size_t count = *text != '\0' ? 1 : 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

json_t *resource_list(char *text)
{
    size_t lines = count_lines(text), used = lines < LINES_WITH_IOV ? LINES_WITHOUT_IOV : LINES_WITH_IOV;
    json_t *list = json_array();
    char *line;

    for (size_t i = 0; i < used && (line = strsep(&text, "\n")) != NULL; i++) {
        json_t *window = parse_window(window_names[i], line);
        if (window != NULL)
            json_array_append_new(list, window);
    }
    return list;
}

json_t *resource_find(const json_t *list, const char *name)
{
    json_t *window;
    size_t i;

    json_array_foreach(list, i, window) {
        if (strcmp(json_string_value(json_object_get(window, "name")), name) == 0)
            return window;
    }
    return NULL;
}
