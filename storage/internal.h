/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of storage/ share. Only they include it, and tests that look below the interface. */
#ifndef HOSTPCI_STORAGE_INTERNAL_H
#define HOSTPCI_STORAGE_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/commit.h"
#include "storage/index.h"

/* For how many further changes the row of a deleted document is kept. */
#define DELETIONS_KEPT 1000

struct write;

/* Two connections, so that a read never waits for a write to reach the disk. */
struct storage {
    int lock_file; /* holds the lock that keeps another daemon out */
    struct storage_backend *backend;
    const struct index_kind *index;
    _Atomic uint64_t generation;
    pthread_mutex_t reader_lock; /* guards reader */
    sqlite3 *reader;
    sqlite3 *writer;            /* belongs to the leading write (storage/write.h) */
    pthread_mutex_t queue_lock; /* guards the rest */
    bool writing;               /* some write leads */
    struct write *queue;        /* those that wait for the next transaction */
    struct write **queue_end;
};

/* Gives this thread the reader until the end of the scope. Declare statements after this, so that they are
 * finalized before the lock is released. */
struct storage *storage_lock_reader(struct storage *storage);
void cleanup_reader(struct storage **storage);
#define autoreader __attribute__((cleanup(cleanup_reader), unused))

/* The body as it is stored, in its canonical form: compact, with keys in order. The caller frees it. */
char *object_print(const json_t *body) __attribute__((returns_nonnull));
int object_parse(const char *kind, const char *id, const char *text, json_t **ret, struct error *err);

/* Records it, inside a transaction. */
int position_write(sqlite3 *db, const struct storage_position *position, struct error *err);

/* Both run inside a transaction: the first after a document changed (body NULL: it was deleted), the second
 * derives the rows of all documents. */
int index_update(sqlite3 *db, const struct index_kind *kinds, const char *kind, const char *id,
                 const json_t *body, struct error *err);
int index_rebuild(sqlite3 *db, const struct index_kind *kinds, struct error *err);

#endif
