/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in: a user and a password become a ticket, which later requests show.
 *
 * Realms: pam asks the host (by the function that access_set_pam was given), pve knows passwords of its own
 * (access/password.h). An old ticket is as good as the password of its user, and one of root@pam as good as
 * anybody's. Failures are ERROR_LOGIN with the reason, which is for the log alone. */
#ifndef HOSTPCI_ACCESS_LOGIN_H
#define HOSTPCI_ACCESS_LOGIN_H

#include <jansson.h>

#include "access/access.h"

/* Whether `password` proves that its sender is this user, who may log in. Slow. */
int login_prove(struct access *access, const char *user, const char *password, struct error *err);
/* The same, and no ticket will do. */
int login_prove_password(struct access *access, const char *user, const char *password, struct error *err);

/* {username, ticket, CSRFPreventionToken} of one who proved it. */
int login_grant(struct access *access, const char *user, json_t **ret, struct error *err);

/* The password of a user of realm pve. Slow. */
int login_set_password(struct access *access, const char *user, const char *password, struct error *err);
/* Its hash, for a user that is still to be made; refuses users of other realms. Slow. */
int login_hash_password(const char *user, const char *password, char **ret, struct error *err);

#endif
