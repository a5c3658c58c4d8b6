/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL: which privileges somebody has on a path.
 *
 * On the way from / down to the path, the entries that apply at a level replace everything inherited. Above
 * the path only entries that propagate apply; at the path itself all do. At one level a user's own entries
 * count or, if there are none, the union of its groups' entries. If NoAccess is among the roles that are left
 * at the end, there are no privileges. A token's entries count for that token only; access/access.h says how
 * they and its user's combine. */
#ifndef HOSTPCI_ACCESS_ACL_H
#define HOSTPCI_ACCESS_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "access/access.h"
#include "access/snapshot.h"

#define ACL_PATH_SIZE 1024

/* Makes the path begin with a slash, not end with one, and have no double slashes. False if it is too long.
 */
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
