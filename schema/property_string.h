/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property strings: "node=n1,path=0000:01:00.0,id=10de:2231" and the like.
 *
 * Parts are separated by commas. A part is key=value, or a bare value for the default key. A value may
 * contain '=', but no comma; there is no quoting. Duplicate and unknown keys are errors. Booleans are 1, on,
 * yes, true and 0, off, no, false in any case. A key can be an alias of another. A key with a key_alias
 * stands for two values at once, and is printed that way: virtio=MAC is model=virtio,macaddr=MAC. */
#ifndef HOSTPCI_SCHEMA_PROPERTY_STRING_H
#define HOSTPCI_SCHEMA_PROPERTY_STRING_H

#include <jansson.h>

#include "schema/endpoint.h"

/* Returns {key: value} in the keys' types. ERROR_INVALID says which key is wrong and why. */
int property_string_parse(const struct schema *schema, const char *string, json_t **ret, struct error *err);

/* "1" or "0" for one of the words of a boolean, which a parameter does not take; any other value itself. */
const char *property_string_boolean(const char *value);

/* Whether it can be parsed. The error names the key with the property: "hostpci0.host: ...". */
int property_string_check(const struct schema *schema, const char *name, const char *string,
                          struct error *err);

/* The canonical string: first the default key's bare value, then the mandatory keys, then the others, each
 * group in byte order. */
char *property_string_print(const struct schema *schema, const json_t *values);

#endif
