/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens: part of their user's document. The secret is a random UUID, told once and kept as its SHA-256.
 */
#ifndef HOSTPCI_ACCESS_TOKEN_H
#define HOSTPCI_ACCESS_TOKEN_H

#include <jansson.h>
#include <stdbool.h>

#include "access/access.h"
#include "base/error.h"
#include "storage/storage.h"

#define TOKENID_PATTERN "[A-Za-z][A-Za-z0-9._-]+"

/* Takes "user@realm!id=secret" apart. The secret, in the text, is what follows the last '=', the id what
 * follows the last '!' before: realms and ids contain neither. False if it is not of this form. Pure. */
bool token_split(const char *credential, struct identity *ret, const char **ret_secret);

/* `settings` holds the ones that were sent of comment, expire, privsep. Errors are Proxmox's: "no such user
 * ('u')", "no such token 't' for user 'u'", 400 tokenid "Token already exists.". */
int token_list(struct storage *storage, const char *user, json_t **ret, struct error *err);
int token_read(struct storage *storage, const char *user, const char *id, json_t **ret, struct error *err);
/* {full-tokenid, value, info} */
int token_create(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err);
/* Also takes `regenerate` (then the result has value and full-tokenid too) and `delete`: "comment". */
int token_update(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err);
int token_delete(struct storage *storage, const char *user, const char *id, struct error *err);

#endif
