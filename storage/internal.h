/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share, and nobody else sees. */
#ifndef HOSTPCI_STORAGE_INTERNAL_H
#define HOSTPCI_STORAGE_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/commit.h"
#include "storage/index.h"

/* Several connections, so that a read never waits for a write to reach the disk. */
struct storage {
    int lock_file; /* holds the lock that keeps another daemon out */
    struct storage_backend *backend;
    const struct index_kind *index;
    _Atomic uint64_t generation;
    pthread_mutex_t reader_lock; /* guards reader */
    sqlite3 *reader;
    pthread_mutex_t writer_lock; /* guards writer and scribbler */
    sqlite3 *writer;
    sqlite3 *scribbler; /* writes too, but its commits do not wait for the disk: a power cut may undo them */
};

/* A body as it is stored, the canonical form: compact, keys in order. The caller frees it. */
char *object_print(const json_t *body) __attribute__((returns_nonnull));
int object_parse(const char *kind, const char *id, const char *text, json_t **ret, struct error *err);

/* Both inside a transaction. After a document changed (body NULL: it was deleted), and for all documents. */
int index_update(sqlite3 *db, const struct index_kind *kinds, const char *kind, const char *id,
                 const json_t *body, struct error *err);
int index_rebuild(sqlite3 *db, const struct index_kind *kinds, struct error *err);

#endif
