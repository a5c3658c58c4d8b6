/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property strings: whatever comes is parsed or refused; what is parsed prints to what parses to the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "passthrough/mapping/mapping.h"
#include "schema/property_string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_and_print(const struct schema *schema, const char *string)
{
    autojson json_t *values = NULL, *again = NULL;
    struct error err;

    if (property_string_parse(schema, string, &values, &err) != 0)
        return;
    autofree char *printed = property_string_print(schema, values);
    if (property_string_parse(schema, printed, &again, &err) != 0 || !json_equal(values, again))
        abort();
}

/* Every type of key, and a default one. */
static const struct schema all_types = {
    .type = SCHEMA_STRING,
    .default_key = "host",
    .property_string =
        PROPERTIES({.name = "host", .type = SCHEMA_STRING, .format = "pci-id"},
                   {.name = "on", .type = SCHEMA_BOOLEAN, .optional = true},
                   {.name = "count", .type = SCHEMA_INTEGER, .optional = true, .range = RANGE(-9, 9)},
                   {.name = "share", .type = SCHEMA_NUMBER, .optional = true},
                   {.name = "kind", .type = SCHEMA_STRING, .optional = true, .values = VALUES("a", "b")},
                   {.name = "free", .type = SCHEMA_STRING, .optional = true}),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *string = xstrndup((const char *)data, size);

    parse_and_print(&mapping_pci_entry, string);
    parse_and_print(&all_types, string);
    return 0;
}
