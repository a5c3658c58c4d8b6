/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access: who is calling, and may they do that?
 *
 * Callers prove who they are by an API token or by a ticket, which they were given for a password
 * (access/login.h). The documents of users (with their tokens), groups, roles and ACL paths are kept as an
 * immutable snapshot in memory, made anew when storage changed, so that a check costs no statement. Rules:
 * users and groups as in Proxmox VE; entries nearer the leaf replace inherited ones; a token counts before
 * its user, a user before the union of its groups; NoAccess wins; a token with privilege separation has the
 * intersection of its own and its user's privileges, root@pam's tokens their own alone. root@pam itself
 * passes everything; its tokens do not. */
#ifndef HOSTPCI_ACCESS_ACCESS_H
#define HOSTPCI_ACCESS_ACCESS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "schema/endpoint.h"
#include "storage/storage.h"

#define USERID_SIZE  65
#define TOKENID_SIZE 129

struct identity {
    char user[USERID_SIZE];   /* "" : nobody logged in */
    char token[TOKENID_SIZE]; /* "" unless by API token */
};

struct access;

/* Creates root@pam at first start. `storage` must outlive it. */
int access_open(struct storage *storage, struct access **ret, struct error *err);
void access_close(struct access *access); /* takes NULL */
struct storage *access_storage(const struct access *access);

/* Opens the keys that tickets are signed with, in the state folder; made if they are not there. Without them
 * there are no tickets. */
int access_open_keys(struct access *access, const char *folder, struct error *err);

/* Who is asked for the passwords of users of realm pam ("joe" of joe@pam): 0, or -1 with the reason. Set
 * before other threads use it; without, nobody of that realm can log in. */
typedef int access_pam_function(void *context, const char *user, const char *password, struct error *err);
void access_set_pam(struct access *access, access_pam_function *check, void *context);

bool identity_is_same(const struct identity *a, const struct identity *b);
bool identity_is_root(const struct identity *identity); /* root@pam itself, not a token of it */

/* The one who holds `user@realm!id=secret`. ERROR_UNAUTHENTICATED "Authentication failed!" for a wrong
 * secret, and alike for an unknown, disabled or expired user or token: the answer does not tell which. */
int access_authenticate_token(struct access *access, const char *credential, struct identity *ret,
                              struct error *err);

/* Whose ticket it is. One of a user who is disabled or expired by now is refused like a wrong one. With a
 * request that changes something comes the CSRF token too (`csrf`, NULL if it did not): "Permission denied -
 * invalid csrf token". */
int access_authenticate_ticket(struct access *access, const char *ticket, bool changes, const char *csrf,
                               struct identity *ret, struct error *err);

/* ERROR_FORBIDDEN with the text of Proxmox: "Permission check failed (PATH, PRIV)". `params` fills {x} in
 * paths. */
int access_check(struct access *access, const struct identity *identity, const struct permission *permission,
                 const json_t *params, struct error *err);

/* For handlers that show each caller what it may see. */
bool access_allows(struct access *access, const struct identity *identity, const char *path,
                   const char *privilege);

#endif
