/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite: connections, statements and transactions that report errors as the rest of the program does. For
 * this room, and for the broker's journal, which is a database of its own.
 *
 * SQL texts are constants, and values are bound. Errors name the database and say what to do. */
#ifndef HOSTPCI_STORAGE_SQLITE_H
#define HOSTPCI_STORAGE_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"

#define SQLITE_WAIT_MS 5000 /* for another program to release its lock */

/* What to do about a damaged database. */
#define SQLITE_RESTORE                                                                                       \
    "stop the daemon, move the file away with its -wal file and put a backup made with 'hostpci backup' in " \
    "its place"

/* `flags` are SQLITE_OPEN_READONLY or SQLITE_OPEN_READWRITE. The connection belongs to one thread at a time.
 */
int sqlite_open(const char *path, int flags, sqlite3 **ret, struct error *err);
void cleanup_sqlite(sqlite3 **db);
#define autosqlite __attribute__((cleanup(cleanup_sqlite)))

/* Reports why the last call on db failed; `what` completes "cannot ... 'PATH'". Always returns -1. */
int sqlite_failed(sqlite3 *db, const char *what, struct error *err);

int sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct error *err);
void cleanup_statement(sqlite3_stmt **statement);
#define autostmt __attribute__((cleanup(cleanup_statement)))

/* Parameters are numbered from 1. The string must live until the statement is finalized; NULL binds NULL. */
void sqlite_bind_string(sqlite3_stmt *statement, int parameter, const char *string);
void sqlite_bind_number(sqlite3_stmt *statement, int parameter, int64_t number);

/* 1: there is a row; 0: there is none, or no more; -1: err is filled. */
int sqlite_step(sqlite3_stmt *statement, struct error *err);

/* Columns are numbered from 0. The string lives until the next step, and is "" for NULL. */
const char *sqlite_string(sqlite3_stmt *statement, int column);

/* Runs statements whose rows do not matter, and one that returns a number. */
int sqlite_execute(sqlite3 *db, const char *sql, struct error *err);
int sqlite_read_number(sqlite3 *db, const char *sql, int64_t *ret, struct error *err);

/* A write transaction. A commit that fails has changed nothing. Rolling back does nothing if there is no
 * transaction any more. */
int sqlite_begin(sqlite3 *db, struct error *err);
int sqlite_commit(sqlite3 *db, struct error *err);
void sqlite_rollback(sqlite3 *db);

#endif
