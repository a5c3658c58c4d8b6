/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and groups of this host, by name, from /etc/passwd and /etc/group alone: to ask everybody else who
 * knows some would load their modules, which would stay in memory, and the package makes its own there. */
#ifndef HOSTPCI_BASE_USER_H
#define HOSTPCI_BASE_USER_H

#include <stdbool.h>
#include <sys/types.h>

#define USER_OWN_GROUP "hostpci" /* who may connect to the local socket */

struct user {
    char name[64];
    uid_t uid;
    gid_t gid;
};

bool user_find(const char *name, struct user *ret);
bool user_find_group(const char *name, gid_t *ret);

#endif
