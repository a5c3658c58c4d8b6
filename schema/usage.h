/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of `hostpci usage` and the children that `hostpci ls` and index endpoints list. */
#ifndef HOSTPCI_SCHEMA_USAGE_H
#define HOSTPCI_SCHEMA_USAGE_H

#include "base/text.h"
#include "schema/endpoint.h"

/* Describes every method of a path such as "/nodes/pve1/hardware/pci", or only `method` (METHOD_COUNT: all);
 * false if there is none. `verbose` adds each parameter's text and limits and the reply. */
bool usage_print(const struct endpoint *const *table, size_t count, const char *path, enum method method,
                 bool verbose, struct text *ret);

/* Whether a declared path ("/nodes/{node}") fits a given one ("/nodes/pve1"). */
bool usage_path_matches(const char *declared, const char *given);

/* [{key: name}] for each static child of the declared path, in order of the table, each once. */
json_t *usage_list_children(const struct endpoint *const *table, size_t count, const char *path,
                            const char *key);

#endif
