/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: what jansson takes two calls for. */
#ifndef HOSTPCI_BASE_JSON_H
#define HOSTPCI_BASE_JSON_H

#include <jansson.h>

/* A member that is a string, as long as that lives; "", or `otherwise` (may be NULL), if there is none. */
const char *json_text(const json_t *object, const char *key);
const char *json_text_or(const json_t *object, const char *key, const char *otherwise);

#endif
