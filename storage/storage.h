/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Storage: what the user configured, as documents in SQLite.
 *
 * One document per aggregate (a mapping with its entries, a user with its tokens, a group, a role, an ACL
 * path): kind, id, revision, JSON body, in one STRICT table. Index tables are derived from the documents in
 * the same transaction (storage/index.h). WAL, synchronous=FULL: what was acknowledged survives a power cut.
 *
 * Every change is one change set: documents with the revisions that they are expected to have. It is applied
 * whole or not at all. storage_commit hands it to the backend and waits until it was applied here: the local
 * backend applies it at once, a replicating one when its own change comes back. All functions are
 * thread-safe. */
#ifndef HOSTPCI_STORAGE_STORAGE_H
#define HOSTPCI_STORAGE_STORAGE_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

struct storage;
struct index_kind;

/* Opens or creates the database, runs the migrations, checks its integrity. Clear refusals: a newer schema, a
 * damaged, read-only or foreign file, another daemon that has it open. */
int storage_open(const char *path, const struct index_kind *index, struct storage **ret, struct error *err);
void storage_close(struct storage *storage); /* takes NULL */

/* Counts applied change sets: what was derived from documents is current while it stays. */
uint64_t storage_generation(const struct storage *storage);

/* Copies a database as it is at one moment, also while a daemon uses it (another process may call this).
 * `target` must not exist yet; what could not be finished is removed. */
int storage_backup_file(const char *database, const char *target, struct error *err);

/* Reads one document; the caller drops the reference. ERROR_NOT_FOUND with a generic text: callers that know
 * a better one check the kind of error. ret_revision may be NULL. */
int object_read(struct storage *storage, const char *kind, const char *id, json_t **ret,
                int64_t *ret_revision, struct error *err);

/* {id: body} of all documents of the kind, in order of their ids. */
int object_list(struct storage *storage, const char *kind, json_t **ret, struct error *err);

/* The same piece by piece, for lists that would be large in memory and need not be of one moment: at most
 * `limit` of them, from the first whose id comes after `after` ("": from the first of all). */
int object_list_after(struct storage *storage, const char *kind, const char *after, int limit, json_t **ret,
                      struct error *err);

/* Array of the ids of all documents of the kind, in order. No body is read. */
int object_list_ids(struct storage *storage, const char *kind, json_t **ret, struct error *err);

/* {kind: {id: body}} of several kinds (ends with NULL), all as they are at one moment. */
int object_list_kinds(struct storage *storage, const char *const *kinds, json_t **ret, struct error *err);

/* SHA-1 of the canonical document in hexadecimal: the `digest` that clients send back. */
#define DIGEST_SIZE 41
void object_digest(const json_t *body, char digest[static DIGEST_SIZE]);

struct change_set;
struct change_set *change_set_new(void);
void change_set_free(struct change_set *set); /* takes NULL */
void cleanup_change_set(struct change_set **set);
#define autochange __attribute__((cleanup(cleanup_change_set)))

/* Expected revision: 0 must not exist yet; REVISION_ANY: whatever is there, also nothing. The body's
 * reference is taken. Revisions of an id go on counting when its document is deleted and made again. */
#define REVISION_ANY (-1)
void change_set_put(struct change_set *set, const char *kind, const char *id, int64_t expected, json_t *body);
void change_set_delete(struct change_set *set, const char *kind, const char *id, int64_t expected);

/* Takes the set in every case. ERROR_CONFLICT if a document was not at its expected revision: nothing is
 * changed. */
int storage_commit(struct storage *storage, struct change_set *set, struct error *err);

#endif
