/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help texts made from the declarations of endpoints, and the children that index endpoints list. */
#ifndef HOSTPCI_SCHEMA_USAGE_H
#define HOSTPCI_SCHEMA_USAGE_H

#include "base/text.h"
#include "schema/endpoint.h"

/* Describes every method of a given path such as "/nodes/pve1/hardware/pci", or only `method` unless that is
 * METHOD_COUNT. False if there is none. `verbose` adds the captured parameters and the reply. */
bool usage_print(const struct endpoint *const *table, size_t count, const char *path, enum method method,
                 bool verbose, struct text *ret);

/* [{key: name}] for each child of the path that has a fixed name, each once, in the order of the table. */
json_t *usage_list_children(const struct endpoint *const *table, size_t count, const char *path,
                            const char *key);

#endif
