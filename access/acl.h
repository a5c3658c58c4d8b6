/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL: which privileges somebody has on a path.
 *
 * On the way from / down to the path, the entries that apply at a level replace everything inherited. Entries
 * that propagate apply; at the path itself all do. At one level a user's own entries count, or if there are
 * none the union of its groups'. If NoAccess is among what is left at the end, it takes everything away. The
 * entries of a token count for the token alone; access/access.h says which of them it has. */
#ifndef HOSTPCI_ACCESS_ACL_H
#define HOSTPCI_ACCESS_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "access/access.h"
#include "access/snapshot.h"

#define ACL_PATH_SIZE 1024

/* Makes it begin with a slash, end without one and have no double ones. False if it is too long. */
bool acl_normalise_path(const char *path, char ret[static ACL_PATH_SIZE]);

/* Sets of privileges (access/role.h). */
struct acl_rights {
    uint64_t held;
    uint64_t inherited; /* those of them that paths below inherit */
};

/* What somebody holds on a normalised path. root@pam itself holds everything. */
struct acl_rights acl_rights(const struct snapshot *snapshot, const struct identity *identity,
                             const char *path);

#endif
