/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: its file, and every statement. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/daemon/journal_parts.h"
#include "broker/protocol.h"

#define SCHEMA_VERSION 1
#define REBOOT_MESSAGE "interrupted by a reboot of the host: each function is as the kernel set it up"

static const char schema[] = "CREATE TABLE operation ("
                             "  number INTEGER PRIMARY KEY,"
                             "  id TEXT NOT NULL UNIQUE,"
                             "  name TEXT NOT NULL,"
                             "  arguments TEXT NOT NULL,"
                             "  boot TEXT NOT NULL,"
                             "  started INTEGER NOT NULL,"
                             "  function TEXT,"
                             "  step TEXT,"
                             "  end TEXT) STRICT;"
                             "CREATE INDEX operation_open ON operation (number) WHERE end IS NULL;"
                             "CREATE TABLE worker ("
                             "  operation INTEGER NOT NULL REFERENCES operation (number) ON DELETE CASCADE,"
                             "  pid INTEGER NOT NULL,"
                             "  start_time INTEGER NOT NULL) STRICT;"
                             "CREATE INDEX worker_operation ON worker (operation);"
                             "CREATE TABLE line ("
                             "  operation INTEGER NOT NULL REFERENCES operation (number) ON DELETE CASCADE,"
                             "  line INTEGER NOT NULL,"
                             "  text TEXT NOT NULL,"
                             "  PRIMARY KEY (operation, line)) STRICT, WITHOUT ROWID;"
                             "CREATE TABLE touched ("
                             "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  function TEXT NOT NULL UNIQUE,"
                             "  operation INTEGER NOT NULL REFERENCES operation (number) ON DELETE CASCADE,"
                             "  body TEXT NOT NULL) STRICT;"
                             "CREATE INDEX touched_operation ON touched (operation);"
                             "CREATE TABLE fact ("
                             "  function TEXT NOT NULL,"
                             "  kind TEXT NOT NULL,"
                             "  boot TEXT NOT NULL,"
                             "  body TEXT NOT NULL,"
                             "  PRIMARY KEY (function, kind)) STRICT, WITHOUT ROWID;"
                             "PRAGMA application_id = 0x68706a6e;" /* "hpjn" */
                             "PRAGMA user_version = 1;";

static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT number FROM operation WHERE id = ?",
    [START] = "INSERT INTO operation (id, name, arguments, boot, started) VALUES (?, ?, ?, ?, ?)",
    [ADD_WORKER] = "INSERT INTO worker (operation, pid, start_time) VALUES (?, ?, ?)",
    [DROP_WORKERS] = "DELETE FROM worker WHERE operation = ?",
    [TRIM] = "DELETE FROM operation WHERE number <= ? AND end IS NOT NULL"
             " AND number NOT IN (SELECT operation FROM touched)",
    [DELETE_ENDED] = "DELETE FROM operation WHERE id = ? AND end IS NOT NULL"
                     " AND number NOT IN (SELECT operation FROM touched)",
    [RESUME] = "UPDATE operation SET end = NULL, function = NULL, step = NULL WHERE number = ?",
    [LOG] = "INSERT INTO line (operation, line, text) VALUES (?, ?, ?)",
    [STEP] = "UPDATE operation SET function = ?2, step = ?3 WHERE number = ?1",
    [END] = "UPDATE operation SET end = ?2 WHERE number = ?1",
    [READ_LINE] = "SELECT text FROM line WHERE operation = ? AND line = ?",
    [READ_END] = "SELECT end FROM operation WHERE number = ?",
    [LIST_OPEN] =
        "SELECT number, id, name, arguments, started,"
        "  (SELECT ifnull(max(line), 0) FROM line WHERE line.operation = number),"
        "  (SELECT json_group_array(json_object('pid', pid, 'start-time', start_time))"
        "   FROM (SELECT pid, start_time FROM worker WHERE worker.operation = number ORDER BY rowid)),"
        "  end FROM operation"
        " WHERE end IS NULL OR number IN (SELECT operation FROM touched) ORDER BY number",
    [CLAIM] = "INSERT INTO touched (function, operation, body) VALUES (?1, ?2, ?3)"
              " ON CONFLICT (function) DO UPDATE SET operation = ?2, body = ?3",
    [FIND_HOLDER] = "SELECT operation.number, operation.id, operation.name, operation.end IS NULL"
                    " FROM touched JOIN operation ON operation.number = touched.operation"
                    " WHERE touched.function = ?",
    [RELEASE] = "DELETE FROM touched WHERE operation = ? AND function = ?",
    [READ_CLAIMS] = "SELECT body FROM touched WHERE operation = ? ORDER BY sequence",
    [SAVE_FACT] = "INSERT OR REPLACE INTO fact (function, kind, boot, body) VALUES (?, ?, ?, ?)",
    [SAVE_FACT_ONCE] =
        "INSERT INTO fact (function, kind, boot, body) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (function, kind) DO UPDATE SET boot = ?3, body = ?4"
        " WHERE json_extract(body, '$.vendor', '$.device') <> json_extract(?4, '$.vendor', '$.device')",
    [FORGET_FACT] = "DELETE FROM fact WHERE function = ? AND kind = ?",
    [READ_FACTS] = "SELECT function, kind, body FROM fact WHERE function = ?1 OR ?1 IS NULL"
                   " UNION ALL"
                   " SELECT touched.function, 'left-by', json_object('operation', operation.id)"
                   " FROM touched JOIN operation ON operation.number = touched.operation"
                   " WHERE operation.end IS NOT NULL AND (touched.function = ?1 OR ?1 IS NULL)",
};

/* The lock belongs to this process: workers, which may outlive it in the kernel, do not inherit it. */
static int lock_folder(const char *folder, int *ret, struct error *err)
{
    autofree char *path = xasprintf("%s/lock", folder);
    autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fd < 0)
        return error_set_errno(err, errno, "cannot write in the broker's folder: '%s'", path);
    if (fcntl(fd, F_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES)
            return error_set_errno(err, errno, "cannot lock '%s'", path);
        return error_set(err, ERROR_CONFLICT,
                         "another broker uses '%s'; stop it, or give this one another --broker-dir", folder);
    }
    *ret = fd;
    fd = -1;
    return 0;
}

int journal_make_folder(const char *folder, struct error *err)
{
    struct stat status;

    if (file_make_folder(folder, 0700, err) != 0)
        return -1;
    if (stat(folder, &status) != 0)
        return error_set_errno(err, errno, "cannot use '%s'", folder);
    if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(
            err, ERROR_FAILED,
            "others may write in '%s', so its content cannot be trusted; give it to user %u with "
            "mode 0700",
            folder, (unsigned)geteuid());
    return 0;
}

static int check_schema(sqlite3 *db, struct error *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    int64_t version, application;

    if (sqlite_read_number(db, "PRAGMA user_version", &version, err) != 0 ||
        sqlite_read_number(db, "PRAGMA application_id", &application, err) != 0)
        return -1;
    if (version == 0 && application == 0)
        return sqlite_execute(db, schema, err);
    if (application == 0x68706a6e && version == SCHEMA_VERSION)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "'%s' is not a journal that this broker can read (its schema is %" PRId64
                     ", not %d); move it "
                     "away, and make the persistent choices of drivers in it again",
                     path, version, SCHEMA_VERSION);
}

static int check_integrity(sqlite3 *db, struct error *err)
{
    autostmt sqlite3_stmt *check = NULL;

    if (sqlite_prepare(db, "PRAGMA quick_check(1)", &check, err) != 0 || sqlite_step(check, err) < 0)
        return -1;
    if (strcmp(sqlite_string(check, 0), "ok") == 0)
        return 0;
    return error_set(
        err, ERROR_FAILED,
        "the journal '%s' is damaged (%s); move it away with its -wal file, and make the persistent "
        "choices of drivers in it again",
        sqlite3_db_filename(db, "main"), sqlite_string(check, 0));
}

static int open_database(const char *folder, sqlite3 **ret, struct error *err)
{
    autofree char *path = xasprintf("%s/journal.db", folder);
    autosqlite sqlite3 *db = NULL;
    mode_t before = umask(0077);
    int result = sqlite_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err);

    /* nobody else uses it: it needs no shared memory, and no new lock for each transaction */
    if (result == 0)
        result = sqlite_execute(db,
                                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
                                err);
    umask(before);
    if (result != 0 || check_integrity(db, err) != 0 || sqlite_begin(db, err) != 0)
        return -1;
    if (check_schema(db, err) != 0 || sqlite_commit(db, err) != 0) {
        sqlite_rollback(db);
        return -1;
    }
    *ret = TAKE(db);
    return 0;
}

/* What another boot left becomes history. */
static int forget_other_boots(struct journal *journal, struct error *err)
{
    static const char *const changes[] = {
        "DELETE FROM touched WHERE operation IN (SELECT number FROM operation WHERE boot <> ?1)",
        "UPDATE operation SET end = json_object('error', json_object('kind', 'failed', 'field', '',"
        "  'message', '" REBOOT_MESSAGE "')) WHERE boot <> ?1 AND end IS NULL",
        "DELETE FROM fact WHERE (kind IN ('origin', 'reset') OR kind LIKE '" FACT_MADE "%') AND boot <> ?1",
    };

    if (sqlite_begin(journal->db, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        autostmt sqlite3_stmt *change = NULL;
        if (sqlite_prepare(journal->db, changes[i], &change, err) != 0)
            return -1;
        sqlite_bind_string(change, 1, journal->boot);
        if (sqlite_step(change, err) < 0)
            return -1;
    }
    return sqlite_commit(journal->db, err);
}

static int open_all(const char *folder, struct journal *journal, struct error *err)
{
    if (journal_make_folder(folder, err) != 0 || lock_folder(folder, &journal->lock, err) != 0 ||
        open_database(folder, &journal->db, err) != 0 || forget_other_boots(journal, err) != 0)
        return -1;
    for (size_t i = 0; i < STATEMENTS; i++)
        if (sqlite_prepare(journal->db, texts[i], &journal->statements[i], err) != 0)
            return -1;
    return 0;
}

int journal_open(const char *folder, const char *boot, struct journal **ret, struct error *err)
{
    struct journal *journal = xcalloc(1, sizeof(*journal));

    journal->lock = -1;
    journal->boot = xstrdup(boot);
    if (open_all(folder, journal, err) != 0) {
        journal_close(journal);
        return -1;
    }
    *ret = journal;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->db);
    if (journal->lock >= 0)
        close(journal->lock);
    free(journal->boot);
    free(journal);
}

void journal_reset(sqlite3_stmt **statement)
{
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
}

int journal_run(sqlite3_stmt *statement, struct error *err)
{
    return sqlite_step(statement, err) < 0 ? -1 : 0;
}

json_t *journal_json(sqlite3_stmt *statement, int column)
{
    return json_loads(sqlite_string(statement, column), JSON_DECODE_ANY, NULL);
}
