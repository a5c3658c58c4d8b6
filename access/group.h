/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of users, to grant roles to all of them at once. */
#ifndef HOSTPCI_ACCESS_GROUP_H
#define HOSTPCI_ACCESS_GROUP_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"

/* [{groupid, users: "u,v", comment?}] of the groups for which `shows` is true, in order of their names. */
int group_list(struct storage *storage, bool (*shows)(const char *group, void *context), void *context,
               json_t **ret, struct error *err);
/* {members: [userid], comment?}; "group 'g' does not exist". */
int group_read(struct storage *storage, const char *id, json_t **ret, struct error *err);

/* A comment of NULL leaves the old one; an empty one removes it. */
int group_create(struct storage *storage, const char *id, const char *comment, struct error *err);
int group_update(struct storage *storage, const char *id, const char *comment, struct error *err);
/* Also deletes its ACL entries, but not its members. */
int group_delete(struct storage *storage, const char *id, struct error *err);

/* For this room, inside an edit: makes the user a member of these groups and, unless `append`, of no other.
 * "no such group 'g'". */
int group_set_membership(struct storage *storage, const char *user, char *const *groups, bool append,
                         struct change_set *set, struct error *err);

/* "u,v" of an array of names. */
json_t *group_join(const json_t *names);

#endif
