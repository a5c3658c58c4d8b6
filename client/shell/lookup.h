/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up in the table of endpoints what a user can do with a path. */
#ifndef HOSTPCI_CLIENT_SHELL_LOOKUP_H
#define HOSTPCI_CLIENT_SHELL_LOOKUP_H

#include "schema/endpoint.h"

/* NULL if this build does not know the endpoint. */
const struct endpoint *lookup_endpoint(const struct endpoint *const *table, size_t count, enum method method,
                                       const char *path);

/* pvesh's five letters: D children, r get, w set, c create, d delete; '-' for what the path does not have. */
#define LOOKUP_ABILITIES_SIZE 6
void lookup_abilities(const struct endpoint *const *table, size_t count, const char *path,
                      char ret[static LOOKUP_ABILITIES_SIZE]);

/* Which property of the rows that GET of the path lists has the children's names: the one that the endpoint
 * declares (index_key), else the one that a longer path captures ("/nodes/{node}": node) if the rows have it,
 * else id. NULL if there are no children. */
const char *lookup_child_key(const struct endpoint *const *table, size_t count, const char *path);

/* [{name: child}] for a path that cannot be listed with GET: "groups", "{userid}". Each child once, in the
 * order of the table; an empty array if there are none. */
json_t *lookup_children(const struct endpoint *const *table, size_t count, const char *path);

#endif
