/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users of realm pve for tests, and being one of them. */
#ifndef HOSTPCI_TESTS_API_ACCOUNT_H
#define HOSTPCI_TESTS_API_ACCOUNT_H

#include <time.h>

#define PASSWORD "correct horse" /* of all of them */

/* Creates it, in these groups (a list; NULL: in none); calls are by root@pam from now on. */
void account_create(const char *user, const char *groups);

/* PUT /access/acl, as root@pam: `who` is "users", "groups" or "tokens". */
void account_grant(const char *path, const char *role, const char *who, const char *name);

/* Logs in; from now on calls are by this user, with ticket and CSRF token. */
void account_enter(const char *user);

/* A ticket as the daemon itself would make it, of that time, with its key, and for a login of the same time
 * or an earlier one; the caller frees it. */
char *account_forge(const char *user, time_t made);
char *account_forge_renewed(const char *user, time_t first, time_t made);

#endif
