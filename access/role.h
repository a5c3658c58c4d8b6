/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and roles: the names that may be granted, and the built-in sets of them.
 *
 * In memory a set of privileges is a bit mask; what is stored are names, so the bits may change. */
#ifndef HOSTPCI_ACCESS_ROLE_H
#define HOSTPCI_ACCESS_ROLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVILEGE_COUNT 47
#define ALL_PRIVILEGES  ((UINT64_C(1) << PRIVILEGE_COUNT) - 1)

/* In alphabetical order; bit i of a set stands for privilege_names[i]. */
extern const char *const privilege_names[PRIVILEGE_COUNT];

/* The set of this one; the empty set if there is no such privilege. */
uint64_t privilege_find(const char *name);

/* Granted on a path, it takes every other role away there. */
#define ROLE_NO_ACCESS "NoAccess"

struct role {
    const char *name;
    const char *const *privileges; /* ends with NULL */
};

extern const struct role builtin_roles[];
extern const size_t builtin_role_count;

/* {name: set as an integer} of the built-in roles and of those in `documents` ({id: {"privs": [...]}}), which
 * cannot replace a built-in one. Unknown privileges count nothing. The caller drops it. */
json_t *role_sets(const json_t *documents);

#endif
