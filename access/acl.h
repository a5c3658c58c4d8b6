/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL: which privileges somebody has on a path.
 *
 * From / down to the path, the entries that apply at a level replace everything inherited: those that
 * propagate, and at the path itself all. Of one level a user's own entries count, else the union of its
 * groups'. NoAccess among what is left takes all away. A token's entries count for it alone; see access.h for
 * what of them it has. */
#ifndef HOSTPCI_ACCESS_ACL_H
#define HOSTPCI_ACCESS_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "access/access.h"
#include "access/snapshot.h"

#define ACL_PATH_SIZE 1024

/* One slash in front, none at the end, none doubled. False if it is too long. */
bool acl_normalise_path(const char *path, char ret[static ACL_PATH_SIZE]);

/* Sets of privileges (access/role.h). */
struct acl_rights {
    uint64_t held;
    uint64_t inherited; /* of them, those that what lies below inherits */
};

/* What somebody holds on a normalised path. root@pam itself has all. */
struct acl_rights acl_rights(const struct snapshot *snapshot, const struct identity *identity,
                             const char *path);

#endif
