/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite: connections, statements and transactions with this program's errors. For this room only.
 *
 * SQL is constant; values are bound. Errors name the database and say what to do. */
#ifndef HOSTPCI_STORAGE_SQLITE_H
#define HOSTPCI_STORAGE_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"

#define SQLITE_WAIT_MS 5000 /* for a lock that another program holds */

/* What to do about a damaged database. */
#define SQLITE_RESTORE                                                                                       \
    "stop the daemon, move the file away with its -wal file and put a backup made with 'hostpci backup' in " \
    "its place"

/* `flags` are SQLITE_OPEN_READONLY or SQLITE_OPEN_READWRITE. The connection belongs to one thread at a time.
 */
int sqlite_open(const char *path, int flags, sqlite3 **ret, struct error *err);
void cleanup_sqlite(sqlite3 **db);
#define autosqlite __attribute__((cleanup(cleanup_sqlite)))

/* Why the last call on db failed; `what` completes "cannot ... 'PATH'". */
int sqlite_failed(sqlite3 *db, const char *what, struct error *err);

int sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct error *err);
void cleanup_statement(sqlite3_stmt **statement);
#define autostmt __attribute__((cleanup(cleanup_statement)))

/* Parameters count from 1. The string must stay until the statement is done; NULL binds NULL. */
void sqlite_bind_string(sqlite3_stmt *statement, int parameter, const char *string);
void sqlite_bind_number(sqlite3_stmt *statement, int parameter, int64_t number);

/* 1: there is a row; 0: there is none, or no more; -1: err is filled. */
int sqlite_step(sqlite3_stmt *statement, struct error *err);

/* Columns count from 0. The string lives until the next step; "" for NULL. */
const char *sqlite_string(sqlite3_stmt *statement, int column);

/* Statements that return nothing of interest, and one that returns a number. */
int sqlite_execute(sqlite3 *db, const char *sql, struct error *err);
int sqlite_read_number(sqlite3 *db, const char *sql, int64_t *ret, struct error *err);

/* A write transaction. After a failed commit nothing was changed; rolling back when there is none does
 * nothing. */
int sqlite_begin(sqlite3 *db, struct error *err);
int sqlite_commit(sqlite3 *db, struct error *err);
void sqlite_rollback(sqlite3 *db);

#endif
