/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration as a file: whatever is read of it prints to what reads as the same, and so does what
 * a change makes of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "vm/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vm_fresh fresh = {.mac_prefix = "BC:24:11", .qemu = "7.2.0", .now = 1};

static json_t *read_file(const char *text, size_t length)
{
    autotext struct text warnings = {0};
    json_t *document;
    struct error err;

    return vm_config_read(text, length, NULL, &document, &warnings, &err) == 0 ? document : NULL;
}

static void check_round_trip(const json_t *document)
{
    autofree char *printed = vm_config_print(document);
    autojson json_t *again = read_file(printed, strlen(printed)), *expected = json_copy((json_t *)document);

    json_object_del(expected, "node");
    if (!json_equal(again, expected))
        abort();
    autofree char *printed_again = vm_config_print(again);
    if (strcmp(printed, printed_again) != 0)
        abort();
}

/* What is pending is set by a client, and what is to be removed is. */
static void change(const json_t *document, const json_t *set, bool running)
{
    const char *removed[2] = {json_object_iter_key(json_object_iter(json_object_get(document, "delete")))};
    struct vm_change change = {.set = set, .remove = removed, .running = running, .fresh = &fresh};
    autojson json_t *changed = NULL;
    struct error err;

    if (vm_config_change(document, &change, &changed, &err) == 0)
        check_round_trip(changed);
}

static void create(const json_t *set)
{
    struct vm_change change = {.set = set, .fresh = &fresh};
    autojson json_t *document = NULL;
    struct error err;

    if (vm_config_create("n1", &change, &document, &err) == 0)
        check_round_trip(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autojson json_t *document = read_file((const char *)data, size);

    if (document == NULL)
        return 0;
    check_round_trip(document);
    autojson json_t *pending = vm_config_list_pending(document), *shown = vm_config_show(document, false);
    if (json_array_size(pending) < json_object_size(shown))
        abort();
    autojson json_t *set = vm_config_view(document, false);
    json_object_del(set, "meta");
    create(set);
    change(document, json_object_get(document, "pending"), false);
    change(document, json_object_get(document, "pending"), true);
    return 0;
}
