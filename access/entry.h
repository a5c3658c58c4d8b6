/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL entries: listing and changing who has which role on which path.
 *
 * Documents of kind "acl" as access/snapshot.h tells. Paths are those of Proxmox VE, /vms/100 or
 * /mapping/pci/gpu; an entry may stand on no other. */
#ifndef HOSTPCI_ACCESS_ENTRY_H
#define HOSTPCI_ACCESS_ENTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "access/access.h"

/* Of a normalised path. */
bool entry_path_is_valid(const char *path);

/* [{path, type: user|group|token, ugid, roleid, propagate}] of all paths in order. */
int entry_list(struct storage *storage, json_t **ret, struct error *err);

/* Every role for every one named. Lists are separated as in schema/format.h; NULL: none. */
struct entry_change {
    const char *path;
    const char *roles;
    const char *users, *groups, *tokens; /* tokens: "user@realm!id" */
    bool propagate;
    bool remove; /* then nothing needs to exist */
};

/* Errors: "ACL update failed: role 'r' does not exist" and so on; 400 path "invalid ACL path 'p'"; 400 `role`
 * if the caller has no Permissions.Modify on the path and not all that the role gives. */
int entry_update(struct access *access, const struct identity *caller, const struct entry_change *change,
                 struct error *err);

/* One that is about to be deleted; the others are NULL. With a user go its tokens. */
struct entry_gone {
    const char *user, *group, *token, *role;
};

/* Adds to the set what takes all its entries out of the ACL, so that a later one of the same name does not
 * inherit them. */
int entry_forget(struct storage *storage, const struct entry_gone *gone, struct change_set *set,
                 struct error *err);

/* The same for all entries on the path of what is about to be deleted. */
void entry_forget_path(const char *path, struct change_set *set);

#endif
