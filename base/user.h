/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and groups of this host, by name. Only /etc/passwd and /etc/group are read, where the package makes
 * its own: the C library's functions would load a module for each further source of users, and keep it in
 * memory. */
#ifndef HOSTPCI_BASE_USER_H
#define HOSTPCI_BASE_USER_H

#include <stdbool.h>
#include <sys/types.h>

#define USER_OWN_GROUP "hostpci" /* its members may connect to the local socket */

struct user {
    char name[64];
    uid_t uid;
    gid_t gid;
};

bool user_find(const char *name, struct user *ret);
bool user_has_id(uid_t uid); /* whether there is one */
bool user_find_group(const char *name, gid_t *ret);

#endif
