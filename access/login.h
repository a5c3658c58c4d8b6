/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in: a user and a password become a ticket, which later requests show.
 *
 * The realm pam asks the host, by the function that access_set_pam was given; the realm pve has passwords of
 * its own (access/password.h). A ticket that is still valid is as good as the password of its user, and one
 * of root@pam as good as anybody's. A failure is an ERROR_LOGIN, whose text is for the log alone. */
#ifndef HOSTPCI_ACCESS_LOGIN_H
#define HOSTPCI_ACCESS_LOGIN_H

#include <jansson.h>

#include "access/access.h"

/* Whether `password` proves that its sender is this user, who may log in. Slow. */
int login_prove(struct access *access, const char *user, const char *password, struct error *err);
/* The same, but a ticket does not count. */
int login_prove_password(struct access *access, const char *user, const char *password, struct error *err);

/* {username, ticket, CSRFPreventionToken} for a user who has proved to be that user. */
int login_grant(struct access *access, const char *user, json_t **ret, struct error *err);

/* Sets the password of a user of the realm pve. Slow. */
int login_set_password(struct access *access, const char *user, const char *password, struct error *err);
/* The hash of a password for a user that is still to be created. Refuses users of other realms. Slow. */
int login_hash_password(const char *user, const char *password, char **ret, struct error *err);

#endif
