/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users: showing, creating, changing and deleting them. Passwords are set in access/login.h. */
#ifndef HOSTPCI_ACCESS_USER_H
#define HOSTPCI_ACCESS_USER_H

#include <jansson.h>
#include <stdbool.h>

#include "access/access.h"
#include "base/error.h"
#include "storage/storage.h"

/* Which users are listed, and how. */
struct user_filter {
    bool full; /* with groups (comma-separated) and tokens (a list, or null) */
    bool (*shows)(const char *user, bool enabled, void *context); /* false: leave this user out */
    void *context;
};

/* [{userid, enable, expire, realm-type, ...}] sorted by userid. */
int user_list(struct access *access, const struct user_filter *filter, json_t **ret, struct error *err);

/* {enable, expire, groups: [id], tokens: {id: {...}} or null, ...}; "no such user ('u')". */
int user_read(struct storage *storage, const char *user, json_t **ret, struct error *err);

/* `settings` holds those of enable, expire, firstname, lastname, email, comment, keys (an empty text removes
 * the old one), groups (a list; "no such group 'g'") and append that were sent. Anything else in it is
 * ignored. */

/* `hash` is the hash of the password; NULL: the user has none. "create user failed: user 'u' already exists".
 */
int user_create(struct storage *storage, const char *user, const char *hash, const json_t *settings,
                struct error *err);
/* `groups` replaces the groups that the user is in; with `append` it adds to them. */
int user_update(struct storage *storage, const char *user, const json_t *settings, struct error *err);
/* Also deletes everything that names the user: tokens, memberships, and the ACL entries of user and tokens.
 */
int user_delete(struct storage *storage, const char *user, struct error *err);

#endif
