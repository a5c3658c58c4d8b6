/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in: a user with a password gets a ticket, which is sent with later requests.
 *
 * The realm pam asks the host, by the function that access_set_pam was given; the realm pve has passwords of
 * its own (access/password.h). A valid ticket can be used instead of its user's password, and a ticket of
 * root@pam instead of anybody's, until the login that it goes back to ends: after a number of days
 * (login_set_limit), or when the epoch of its user changes. A failure is an ERROR_LOGIN, whose text is only
 * for the log. */
#ifndef HOSTPCI_ACCESS_LOGIN_H
#define HOSTPCI_ACCESS_LOGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "access/access.h"
#include "access/snapshot.h"

#define LOGIN_DAYS 30         /* by default */
#define EPOCH_SIZE 9          /* eight hexadecimal digits */
#define EPOCH_NONE "00000000" /* of a user whose document has none */

struct login {
    char user[USERID_SIZE];
    time_t first;           /* when the password was given */
    char epoch[EPOCH_SIZE]; /* the user's, at that time */
};

/* A login ends `days` days after its password was given. To be called before other threads use the access. */
void login_set_limit(struct access *access, unsigned days);

/* Whether `password` proves that its sender is this user, who may log in. Slow. */
int login_prove(struct access *access, const char *user, const char *password, struct login *ret,
                struct error *err);
/* The same, but a ticket does not count. */
int login_prove_password(struct access *access, const char *user, const char *password, struct error *err);

/* {username, ticket, CSRFPreventionToken} for a login that login_prove has accepted. */
int login_grant(struct access *access, const struct login *login, json_t **ret, struct error *err);

/* The same for a user who has proved otherwise who he is, and only for some seconds. */
int login_lend(struct access *access, const char *user, unsigned seconds, json_t **ret, struct error *err);

/* Finds the login of a ticket. False if the ticket is forged or too old, the login has ended, or its user may
 * not log in (any more). */
bool login_find(struct access *access, const struct snapshot *snapshot, const char *ticket, time_t now,
                struct login *ret);

/* Sets the password of a user of the realm pve. Slow. */
int login_set_password(struct access *access, const char *user, const char *password, struct error *err);
/* The hash of a password for a user that will be created. Refuses users of other realms. Slow. */
int login_hash_password(const char *user, const char *password, char **ret, struct error *err);

#endif
