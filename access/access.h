/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access: who is calling, and what may they do?
 *
 * Callers prove who they are with an API token or with a ticket, which they get for a password
 * (access/login.h). Users (with their tokens), groups, roles and ACL paths are documents. An immutable
 * snapshot of them is in memory and is renewed when the storage has changed, so that a check does not read
 * the database. The rules are those of Proxmox VE:
 *
 *  - Entries nearer the leaf replace inherited ones. At one level a user's own entries count or, if there are
 *    none, the union of its groups' entries.
 *  - NoAccess overrides everything else.
 *  - A token with privilege separation has the privileges that both it and its user have. The tokens of
 *    root@pam have only their own.
 *  - root@pam itself passes every check; its tokens do not. */
#ifndef HOSTPCI_ACCESS_ACCESS_H
#define HOSTPCI_ACCESS_ACCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "schema/endpoint.h"
#include "storage/storage.h"

#define USERID_SIZE  65
#define TOKENID_SIZE 129

struct identity {
    char user[USERID_SIZE];   /* "": nobody has logged in */
    char token[TOKENID_SIZE]; /* "" unless it is an API token */
};

struct access;

/* Creates root@pam at the first start. `storage` must outlive it. */
int access_open(struct storage *storage, struct access **ret, struct error *err);
void access_close(struct access *access); /* takes NULL */
struct storage *access_storage(const struct access *access);

/* Opens the keys that tickets are signed with, in the state folder; creates them if necessary. Without keys
 * there are no tickets. */
int access_open_keys(struct access *access, const char *folder, struct error *err);

/* Sets the function that checks the passwords of users of the realm pam ("joe" for joe@pam): it returns 0, or
 * -1 with the reason. Must be called before other threads use the access; without it nobody of that realm can
 * log in. */
typedef int access_pam_function(void *context, const char *user, const char *password, struct error *err);
void access_set_pam(struct access *access, access_pam_function *check, void *context);

bool identity_is_same(const struct identity *a, const struct identity *b);
/* Whether `name` is a token of the user: "joe@pve!ci" is one of joe@pve, but "joe@pve!x@pve" is another user.
 */
bool access_is_token_of(const char *user, const char *name);
bool identity_is_root(const struct identity *identity); /* root@pam itself, not a token of it */

/* When a user was created, in seconds since 1970; 0 if unknown. What happened before was done by an earlier
 * user of the same name. */
int access_read_created(struct access *access, const char *user, int64_t *ret, struct error *err);

/* A word that changes when the logins of the caller's user end, or what its token is: when the user gets
 * another password, or either is disabled, expires, is deleted or made again. False: neither user nor token
 * is good for anything now. For what goes on for longer than a request. */
#define STANDING_SIZE 80
bool access_read_standing(struct access *access, const struct identity *caller,
                          char ret[static STANDING_SIZE]);

/* Finds whose token `user@realm!id=secret` is. A wrong secret is refused with ERROR_UNAUTHENTICATED
 * "Authentication failed!". So is an unknown, disabled or expired user or token: the answer does not reveal
 * which it was. */
int access_authenticate_token(struct access *access, const char *credential, struct identity *ret,
                              struct error *err);

/* Finds whose ticket it is. A ticket whose login has ended (access/login.h) is refused like a wrong one. A
 * request that changes something must also have the CSRF token (`csrf`, NULL if it has none), or is refused
 * with "Permission denied - invalid csrf token". */
int access_authenticate_ticket(struct access *access, const char *ticket, bool changes, const char *csrf,
                               struct identity *ret, struct error *err);

/* Refuses with ERROR_FORBIDDEN and Proxmox's text, "Permission check failed (PATH, PRIV)". `params` has the
 * values of {x} in paths. */
int access_check(struct access *access, const struct identity *identity, const struct permission *permission,
                 const json_t *params, struct error *err);

/* For handlers that show callers only what they may see. */
bool access_allows(struct access *access, const struct identity *identity, const char *path,
                   const char *privilege);

#endif
