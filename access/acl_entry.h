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

/* Whether there can be entries on this path, which is normalised. */
bool acl_entry_path_is_valid(const char *path);

/* [{path, type: user|group|token, ugid, roleid, propagate}] of all paths that `shows` is true of, in order.
 */
int acl_entry_list(struct access *access, bool (*shows)(const char *path, void *context), void *context,
                   json_t **ret, struct error *err);

/* Gives every role to everyone named, or takes it away. Lists are separated as in schema/format.h; NULL:
 * none.
 */
struct acl_entry_change {
    const char *path;
    const char *roles;
    const char *users, *groups, *tokens; /* tokens: "user@realm!id" */
    bool propagate;
    bool remove; /* then what is named need not exist */
};

/* Errors are "ACL update failed: role 'r' does not exist" and the like, an invalid `path` ("invalid ACL path
 * 'p'"), and an invalid `role` if the caller has no Permissions.Modify on the path, nor every privilege of
 * the role. */
int acl_entry_update(struct access *access, const struct identity *caller,
                     const struct acl_entry_change *change, struct error *err);

/* Who is about to be deleted; the others are NULL. The tokens of a user go with the user. */
struct acl_entry_gone {
    const char *user, *group, *token, *role;
};

/* Adds to the set the removal of all entries of whoever is deleted, so that somebody who gets the same name
 * later does not inherit them. */
int acl_entry_forget(struct storage *storage, const struct acl_entry_gone *gone, struct change_set *set,
                     struct error *err);

/* The same for all entries on the path of an object that is about to be deleted. */
void acl_entry_forget_path(const char *path, struct change_set *set);

#endif
