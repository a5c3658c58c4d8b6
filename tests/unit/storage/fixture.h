/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests that need a database: a folder of their own, documents in one line, and errors that
 * end the test. */
#ifndef HOSTPCI_TESTS_UNIT_STORAGE_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_STORAGE_FIXTURE_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/storage.h"

struct fixture {
    char folder[64];
    char path[96]; /* of the database in it, which does not exist yet */
};

void fixture_make(struct fixture *fixture);
void fixture_remove(struct fixture *fixture); /* the folder and all in it */
#define autofixture __attribute__((cleanup(fixture_remove)))

void cleanup_storage(struct storage **storage);
#define autostorage __attribute__((cleanup(cleanup_storage), unused)) /* held open, if for nothing else */
struct storage *fixture_open(const char *path);

/* Runs SQL on the database as another program would. */
void fixture_run_sql(const struct fixture *fixture, const char *sql);

/* A document from JSON with ' for ". */
json_t *fixture_json(const char *text);
void fixture_put(struct storage *storage, const char *kind, const char *id, const char *text);

/* Tries to put; 0 or -1 as storage_commit. */
int fixture_try_put(struct storage *storage, const char *kind, const char *id, int64_t expected,
                    const char *text, struct error *err);

/* The revision of a document, 0 if it does not exist. */
int64_t fixture_revision(struct storage *storage, const char *kind, const char *id);

/* Fails the test unless the value is the JSON in text (with ' for "); drops it. */
void fixture_expect_json(json_t *value, const char *text);
void fixture_expect_error(const struct error *err, enum error_kind kind, const char *part);

/* Ordinary permissions count from here on: root would pass them all. */
void fixture_become_ordinary_user(const struct fixture *fixture);

#endif
