/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL entries: listing and changing who has which role on which path.
 *
 * They are documents of the kind "acl" (access/snapshot.h). Paths are those of Proxmox VE, such as /vms/100
 * and /mapping/pci/gpu; there can be no entry on any other. */
#ifndef HOSTPCI_ACCESS_ACL_ENTRY_H
#define HOSTPCI_ACCESS_ACL_ENTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "access/access.h"

/* Whether this path, which is normalised, can have entries. */
bool acl_entry_path_is_valid(const char *path);

/* [{path, type: user|group|token, ugid, roleid, propagate}] of the paths for which `shows` is true, in order.
 */
int acl_entry_list(struct access *access, bool (*shows)(const char *path, void *context), void *context,
                   json_t **ret, struct error *err);

/* Grants every role to everyone named, or revokes it. Lists are separated as in schema/format.h; NULL: empty.
 */
struct acl_entry_change {
    const char *path;
    const char *roles;
    const char *users, *groups, *tokens; /* tokens: "user@realm!id" */
    bool propagate;
    bool remove; /* revoke; then roles, users, groups and tokens need not exist */
};

/* Errors are "ACL update failed: role 'r' does not exist" and the like, an invalid `path` ("invalid ACL path
 * 'p'"), and an invalid `role` if the caller has neither Permissions.Modify on the path nor every privilege
 * of the role. */
int acl_entry_update(struct access *access, const struct identity *caller,
                     const struct acl_entry_change *change, struct error *err);

/* Who, or which role, is about to be deleted; the other members are NULL. A user's tokens are deleted with
 * the user. */
struct acl_entry_gone {
    const char *user, *group, *token, *role;
};

/* Adds to the set the removal of all entries of whoever is deleted, so that a later user of the same name
 * does not inherit them. */
int acl_entry_forget(struct storage *storage, const struct acl_entry_gone *gone, struct change_set *set,
                     struct error *err);

/* The same for all entries on the path of an object that is about to be deleted. */
void acl_entry_forget_path(const char *path, struct change_set *set);

#endif
