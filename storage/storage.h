/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Storage: what the user configured, as documents in SQLite.
 *
 * There is one document per aggregate (a mapping with its entries, a VM with its pending changes, a user with
 * its tokens, a group, a role, an ACL path). It has a kind, an id, a revision and a JSON body; all are rows
 * of one STRICT table. Index tables are derived from the documents in the same transaction (storage/index.h).
 * The database uses WAL and synchronous=FULL: what was acknowledged survives a power cut.
 *
 * Every change is a change set: documents with the revisions that they are expected to have. It is applied
 * whole or not at all. storage_commit hands it to the backend and waits until it has been applied here: the
 * local backend applies it at once, a replicating one when its own change comes back. All functions are
 * thread-safe. */
#ifndef HOSTPCI_STORAGE_STORAGE_H
#define HOSTPCI_STORAGE_STORAGE_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

struct storage;
struct index_kind;

/* Opens or creates the database for this daemon alone, checks its integrity and runs the migrations. `index`
 * says which kinds of documents have index rows (storage/index.h), and must outlive the storage. Refuses a
 * newer schema, a damaged, read-only or foreign file, and a database that another daemon has open, and says
 * what to do about each. */
int storage_open(const char *path, const struct index_kind *index, struct storage **ret, struct error *err);
void storage_close(struct storage *storage); /* takes NULL */

/* Grows whenever a change set is applied. What was derived from documents is current as long as the
 * generation is still the one from before they were read. */
uint64_t storage_generation(const struct storage *storage);

/* Makes a consistent copy of a database, even while the daemon, another process, uses it. `target` must not
 * exist yet. A copy that cannot be finished is removed. */
int storage_backup_file(const char *database, const char *target, struct error *err);

/* Reads one document, whose reference the caller drops. If it does not exist, the ERROR_NOT_FOUND has a
 * generic text: a caller who has a better one checks the kind of error. ret_revision may be NULL. */
int object_read(struct storage *storage, const char *kind, const char *id, json_t **ret,
                int64_t *ret_revision, struct error *err);

/* {id: body} of all documents of the kind, in order of their ids. */
int object_list(struct storage *storage, const char *kind, json_t **ret, struct error *err);

/* The same in pieces, for lists that would need much memory: at most `limit` documents, from the first whose
 * id comes after `after` ("": from the very first). Documents may change between two calls. */
int object_list_after(struct storage *storage, const char *kind, const char *after, int limit, json_t **ret,
                      struct error *err);

/* Array of the ids of all documents of the kind, in order. Reads no body. */
int object_list_ids(struct storage *storage, const char *kind, json_t **ret, struct error *err);

/* The same of those whose body has the name as a key or as a text, or one that begins with it. */
int object_list_ids_naming(struct storage *storage, const char *kind, const char *name, json_t **ret,
                           struct error *err);

/* Changes are numbered, and each document has the number of its last one. object_list_changes returns the
 * documents, of every kind, whose last change came after `since`: [{kind, id, body}], all as they were at one
 * moment, where a body is null if the document was deleted; and the number of the newest change. *ret is NULL
 * if there have been so many changes that deletions since then are forgotten: then everything has to be read.
 */
int object_newest_change(struct storage *storage, int64_t *ret, struct error *err);
int object_list_changes(struct storage *storage, int64_t since, json_t **ret, int64_t *ret_newest,
                        struct error *err);

int object_count(struct storage *storage, const char *kind, int64_t *ret, struct error *err);

/* {kind: {id: body}} of several kinds, all as they were at one moment. `kinds` ends with NULL. */
int object_list_kinds(struct storage *storage, const char *const *kinds, json_t **ret, struct error *err);

/* SHA-1 of the canonical document in hexadecimal: the `digest` that clients send back. */
#define DIGEST_SIZE 41
void object_digest(const json_t *body, char digest[static DIGEST_SIZE]);

struct change_set;
struct change_set *change_set_new(void);
void change_set_free(struct change_set *set); /* takes NULL */
void cleanup_change_set(struct change_set **set);
#define autochange __attribute__((cleanup(cleanup_change_set)))

/* The expected revision is 0 for a document that must not exist yet, and REVISION_ANY if it may have any
 * revision or not exist. Takes the reference to the body. When a document is deleted and created again before
 * a thousand other changes, its revision goes on counting, so that nobody mistakes the new document for the
 * old one that he has read. */
#define REVISION_ANY (-1)
void change_set_put(struct change_set *set, const char *kind, const char *id, int64_t expected, json_t *body);
void change_set_delete(struct change_set *set, const char *kind, const char *id, int64_t expected);

/* Takes the set, even on failure. If a document is not at its expected revision, the error is ERROR_CONFLICT
 * and nothing has changed. storage/edit.h starts again then. */
int storage_commit(struct storage *storage, struct change_set *set, struct error *err);

#endif
