/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite: connections, statements and transactions with this program's errors. */
#include "storage/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    int code;
    enum error_kind kind;
    const char *text;
} causes[] = {
    {SQLITE_FULL, ERROR_FAILED, "the disk is full; free some space and try again"},
    {SQLITE_READONLY, ERROR_FAILED,
     "it is read-only; give the user of the daemon write permission on the file and its folder"},
    {SQLITE_BUSY, ERROR_BUSY, "another program has locked it; end that program and try again"},
    {SQLITE_LOCKED, ERROR_BUSY, "another program has locked it; end that program and try again"},
    {SQLITE_CORRUPT, ERROR_FAILED, "it is damaged; " SQLITE_RESTORE},
    {SQLITE_NOTADB, ERROR_FAILED,
     "it is not an SQLite database; move the file away, or name another state folder"},
};

static int explain(sqlite3 *db, const char *what, const char *path, struct error *err)
{
    int code = sqlite3_errcode(db) & 0xff, number = sqlite3_system_errno(db);

    for (size_t i = 0; i < COUNT_OF(causes); i++)
        if (causes[i].code == code)
            return error_set(err, causes[i].kind, "cannot %s '%s': %s", what, path, causes[i].text);
    if ((code == SQLITE_CANTOPEN || code == SQLITE_IOERR) && number != 0)
        return error_set_errno(err, number, "cannot %s '%s'", what, path);
    return error_set(err, ERROR_FAILED, "cannot %s '%s': %s", what, path, sqlite3_errmsg(db));
}

int sqlite_failed(sqlite3 *db, const char *what, struct error *err)
{
    return explain(db, what, sqlite3_db_filename(db, "main"), err);
}

int sqlite_open(const char *path, int flags, sqlite3 **ret, struct error *err)
{
    autosqlite sqlite3 *db = NULL;

    int result = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (db == NULL) {
        fputs("hostpci: out of memory\n", stderr);
        abort();
    }
    if (result != SQLITE_OK)
        return explain(db, "open the database", path, err);
    sqlite3_busy_timeout(db, SQLITE_WAIT_MS);
    *ret = TAKE(db);
    return 0;
}

void cleanup_sqlite(sqlite3 **db)
{
    sqlite3_close(*db);
}

int sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct error *err)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failed(db, "use the database", err);
    *ret = statement;
    return 0;
}

void cleanup_statement(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

/* Binding fails only if memory runs out, or if the statement has no such parameter. */
static void check_bound(int result)
{
    if (result != SQLITE_OK) {
        fprintf(stderr, "hostpci: binding a value: %s\n", sqlite3_errstr(result));
        abort();
    }
}

void sqlite_bind_string(sqlite3_stmt *statement, int parameter, const char *string)
{
    check_bound(sqlite3_bind_text(statement, parameter, string, -1, SQLITE_STATIC));
}

void sqlite_bind_number(sqlite3_stmt *statement, int parameter, int64_t number)
{
    check_bound(sqlite3_bind_int64(statement, parameter, number));
}

int sqlite_step(sqlite3_stmt *statement, struct error *err)
{
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return sqlite_failed(sqlite3_db_handle(statement),
                             sqlite3_stmt_readonly(statement) ? "read the database" : "write the database",
                             err);
    }
}

const char *sqlite_string(sqlite3_stmt *statement, int column)
{
    const unsigned char *string = sqlite3_column_text(statement, column);

    return string != NULL ? (const char *)string : "";
}

int sqlite_execute(sqlite3 *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failed(db, "write the database", err);
    return 0;
}

int sqlite_read_number(sqlite3 *db, const char *sql, int64_t *ret, struct error *err)
{
    autostmt sqlite3_stmt *statement = NULL;

    if (sqlite_prepare(db, sql, &statement, err) != 0 || sqlite_step(statement, err) < 0)
        return -1;
    *ret = sqlite3_column_int64(statement, 0);
    return 0;
}

int sqlite_begin(sqlite3 *db, struct error *err)
{
    return sqlite_execute(db, "BEGIN IMMEDIATE", err);
}

int sqlite_commit(sqlite3 *db, struct error *err)
{
    if (sqlite_execute(db, "COMMIT", err) == 0)
        return 0;
    sqlite_rollback(db);
    return -1;
}

void sqlite_rollback(sqlite3 *db)
{
    /* Some errors have rolled it back already. If this fails, too, whoever opens the database next rolls it
     * back. */
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}
