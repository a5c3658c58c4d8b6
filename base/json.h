/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short cuts for pairs of calls of jansson. */
#ifndef HOSTPCI_BASE_JSON_H
#define HOSTPCI_BASE_JSON_H

#include <jansson.h>

/* The string in a member, which lives as long as the object does. If the object has no such string: "", or
 * `otherwise`, which may be NULL. */
const char *json_text(const json_t *object, const char *key);
const char *json_text_or(const json_t *object, const char *key, const char *otherwise);

#endif
