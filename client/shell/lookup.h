/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of endpoints says about a path that a user typed. */
#ifndef HOSTPCI_CLIENT_SHELL_LOOKUP_H
#define HOSTPCI_CLIENT_SHELL_LOOKUP_H

#include "schema/endpoint.h"

/* NULL if this build knows none. */
const struct endpoint *lookup_endpoint(const struct endpoint *const *table, size_t count, enum method method,
                                       const char *path);

/* pvesh's five letters: D children, r get, w set, c create, d delete; '-' for what the path has not. */
#define LOOKUP_ABILITIES_SIZE 6
void lookup_abilities(const struct endpoint *const *table, size_t count, const char *path,
                      char ret[static LOOKUP_ABILITIES_SIZE]);

/* The property that names the children in the rows of GET path: what the declaration of an index says, else
 * the name that the path below captures ("/nodes/{node}": node) if the rows have it, else id. NULL if there
 * are no children. */
const char *lookup_child_key(const struct endpoint *const *table, size_t count, const char *path);

/* [{name: child}] of a path that has no list of its own, from the table: "groups", "{userid}". Each once, in
 * order; empty if there are none. */
json_t *lookup_children(const struct endpoint *const *table, size_t count, const char *path);

#endif
