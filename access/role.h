/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and roles: the names that may be granted, and the built-in sets of them.
 *
 * In memory a set of privileges is a bit mask. Names are stored, so the bits may change between versions. */
#ifndef HOSTPCI_ACCESS_ROLE_H
#define HOSTPCI_ACCESS_ROLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access.h"
#include "base/error.h"
#include "storage/storage.h"

#define PRIVILEGE_COUNT 47
#define ALL_PRIVILEGES  ((UINT64_C(1) << PRIVILEGE_COUNT) - 1)

/* In the order of access/privileges.def. Bit i of a set stands for privilege_names[i]. */
extern const char *const privilege_names[PRIVILEGE_COUNT];

/* The set of this one privilege; the empty set if there is no such privilege. */
uint64_t privilege_find(const char *name);

/* The set of an array of names. Unknown names are ignored. */
uint64_t privilege_set(const json_t *names);

/* Where it is granted, no other role counts. */
#define ROLE_NO_ACCESS "NoAccess"

struct role {
    const char *name;
    const char *const *privileges; /* ends with NULL */
};

extern const struct role builtin_roles[];
extern const size_t builtin_role_count;
bool role_is_builtin(const char *name);

/* {name: set as an integer} of the built-in roles and of those in `documents` ({id: {"privs": [...]}}), which
 * cannot replace a built-in one. Unknown privileges are ignored. The caller drops the reference. */
json_t *role_sets(const json_t *documents);

/* [{roleid, privs: "A,B", special}], sorted. */
int role_list(struct storage *storage, json_t **ret, struct error *err);
/* {privilege: 1}; "role 'r' does not exist". */
int role_read(struct storage *storage, const char *id, json_t **ret, struct error *err);

/* Custom roles. `privileges` is a list; NULL: it was not sent. A new name must not begin with PVE; the
 * built-in roles "cannot be modified" or "deleted". A caller without Permissions.Modify on /access can only
 * add privileges that he holds on / with propagation: otherwise he could give himself every privilege by
 * adding it to a role that he has. */
int role_create(struct access *access, const struct identity *caller, const char *id, const char *privileges,
                struct error *err);
/* `append`: the role keeps the privileges that it has. */
int role_update(struct access *access, const struct identity *caller, const char *id, const char *privileges,
                bool append, struct error *err);
/* Also deletes its ACL entries. */
int role_delete(struct storage *storage, const char *id, struct error *err);

#endif
