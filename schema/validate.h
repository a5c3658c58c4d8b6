/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Validates values against their schema. */
#ifndef HOSTPCI_SCHEMA_VALIDATE_H
#define HOSTPCI_SCHEMA_VALIDATE_H

#include <jansson.h>

#include "schema/endpoint.h"

/* Validates `params`, an object, against the declared parameters (NULL: none), and converts it in place to
 * the declared types: numbers sent as strings and strings sent as numbers, booleans to 1 and 0, a scalar to
 * an array, an array to a list. A parameter that is null counts as not sent. On failure the error is
 * ERROR_INVALID "Parameter verification failed.", and *ret_errors, whose reference the caller gets, is {name:
 * text} with one text for each wrong parameter ("map[0]" names an item). */
int validate_parameters(const struct schema *parameters, json_t *params, json_t **ret_errors,
                        struct error *err);

/* Validates one value and converts it in place. The error is a text for the user; in a property string it
 * names the key together with `name`, the parameter's: "hostpci0.host: ...". */
int validate_value(const struct schema *schema, const char *name, json_t **value, struct error *err);

/* Validates a reply strictly against the declaration of its endpoint: every property must be declared, none
 * may be missing, and types, ranges and formats must be right. The error names the path of what is wrong. */
int validate_reply(const struct schema *returns, const json_t *value, struct error *err);

/* "integer" and so on. */
const char *schema_type_name(enum schema_type type);

/* The declaration of a parameter ("hostpci3" finds "hostpci[n]"); NULL if there is none. */
const struct schema *schema_find(const struct schema *list, const char *name);

/* Validates the table of endpoints itself: each has a text, its formats are known, its patterns compile, the
 * names that its path captures are declared, its return schema is strict, and no method and path occur twice.
 */
int validate_table(const struct endpoint *const *table, size_t count, struct error *err);

#endif
