/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The OpenAPI 3.1 document of all endpoints, made from their declarations. */
#ifndef HOSTPCI_SCHEMA_OPENAPI_H
#define HOSTPCI_SCHEMA_OPENAPI_H

#include <jansson.h>

#include "schema/endpoint.h"

json_t *openapi_describe(const struct endpoint *const *table, size_t count, const char *version);

/* Any JSON as YAML (libyaml), keys in their order; the caller frees it. */
char *openapi_to_yaml(const json_t *value);

#endif
