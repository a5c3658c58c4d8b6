/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values against their schema. */
#ifndef HOSTPCI_SCHEMA_VALIDATE_H
#define HOSTPCI_SCHEMA_VALIDATE_H

#include <jansson.h>

#include "schema/endpoint.h"

/* Checks `params` (an object) against the declared parameters (NULL: none) and converts it in place to the
 * declared types: numbers sent as strings and strings sent as numbers, booleans to 1 and 0, a scalar for an
 * array, an array for a list; null is as if it were not sent. On failure: ERROR_INVALID "Parameter
 * verification failed.", and *ret_errors is {name: text}, one text a field ("map[0]" names an item), which
 * the caller drops. */
int validate_parameters(const struct schema *parameters, json_t *params, json_t **ret_errors,
                        struct error *err);

/* One value, converted in place; the text for the user on failure. Used for parameters, items and keys alike.
 */
int validate_value(const struct schema *schema, json_t **value, struct error *err);

/* A reply against what its endpoint declares, strictly: every property declared, none missing, types, ranges
 * and formats right. The error names the path of what is wrong. */
int validate_reply(const struct schema *returns, const json_t *value, struct error *err);

/* "integer" and so on. */
const char *schema_type_name(enum schema_type type);

/* The declaration of a parameter ("hostpci3" finds "hostpci[n]"); NULL if there is none. */
const struct schema *schema_find(const struct schema *list, const char *name);

/* Checks the table of endpoints itself: a text, known formats, patterns that compile, captured names
 * declared, strict return schemas, no method and path twice. */
int validate_table(const struct endpoint *const *table, size_t count, struct error *err);

#endif
