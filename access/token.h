/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens, which are part of their user's document. The secret is a random UUID. It is shown once; only
 * its SHA-256 is stored. */
#ifndef HOSTPCI_ACCESS_TOKEN_H
#define HOSTPCI_ACCESS_TOKEN_H

#include <jansson.h>
#include <stdbool.h>

#include "access/access.h"
#include "base/error.h"
#include "storage/storage.h"

#define TOKEN_LIMIT     100 /* per user, because users need no privilege to make them */

#define TOKENID_PATTERN "[A-Za-z][A-Za-z0-9._-]+"

/* Splits "user@realm!id=secret". The secret, which points into the text, is what follows the last '=', and
 * the id is what follows the last '!' before that: neither realms nor ids contain these. False if the text
 * does not have this form. Pure. */
bool token_split(const char *credential, struct identity *ret, const char **ret_secret);

/* `settings` holds those of comment, expire and privsep that were sent. Errors are Proxmox's: "no such user
 * ('u')", "no such token 't' for user 'u'", and for an id that exists already an invalid `tokenid`, "Token
 * already exists.". A user has at most TOKEN_LIMIT tokens. */
int token_list(struct storage *storage, const char *user, json_t **ret, struct error *err);
/* For this room: the same from the `tokens` of a user's document. */
json_t *token_describe_all(const json_t *tokens);
int token_read(struct storage *storage, const char *user, const char *id, json_t **ret, struct error *err);
/* {full-tokenid, value, info} */
int token_create(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err);
/* `settings` may also hold `regenerate`, with which *ret also has value and full-tokenid, and `delete`, which
 * may only be "comment". */
int token_update(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err);
int token_delete(struct storage *storage, const char *user, const char *id, struct error *err);

#endif
