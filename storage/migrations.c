/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migrations: the schema of the database, step by step. */
#include "storage/migrations.h"

#include <inttypes.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"

#define APPLICATION_ID 0x68706369 /* "hpci" */

/* A released step is never changed: a new schema is a new step at the end. */
static const char *const steps[] = {
    /* A deleted document keeps its row, without a body. If it is created again, its revision goes on
     * counting, so that nobody can mistake the new document for the old one. */
    "CREATE TABLE document ("
    "  kind TEXT NOT NULL,"
    "  id TEXT NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  body TEXT,"
    "  PRIMARY KEY (kind, id)) STRICT;"
    "CREATE TABLE pci_mapping_entry ("
    "  mapping TEXT NOT NULL,"
    "  node TEXT NOT NULL,"
    "  path TEXT NOT NULL,"
    "  device TEXT NOT NULL,"
    "  PRIMARY KEY (mapping, node, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX pci_mapping_entry_path ON pci_mapping_entry (node, path);"
    "PRAGMA application_id = 0x68706369;"
    "PRAGMA user_version = 1;",

    /* Tasks of this node and their logs (storage/local.h). endtime, result and status are NULL and lines is 0
     * until a task has ended. */
    "CREATE TABLE task ("
    "  number INTEGER PRIMARY KEY,"
    "  upid TEXT NOT NULL UNIQUE,"
    "  type TEXT NOT NULL,"
    "  id TEXT NOT NULL,"
    "  user TEXT NOT NULL,"
    "  starttime INTEGER NOT NULL,"
    "  endtime INTEGER,"
    "  result TEXT,"
    "  status TEXT,"
    "  lines INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE task_line ("
    "  task INTEGER NOT NULL REFERENCES task (number) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  text TEXT NOT NULL,"
    "  warning INTEGER NOT NULL,"
    "  PRIMARY KEY (task, number)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 2;",

    /* The devices and mappings that VMs name (storage/index.h), and which VM holds which device of this node
     * (storage/reservation.h). The columns of a primary key come first and in its order: otherwise
     * quick_check of SQLite 3.40 finds that a table without rowid is damaged. */
    "CREATE TABLE vm_device ("
    "  vm INTEGER NOT NULL,"
    "  node TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  path TEXT NOT NULL,"
    "  PRIMARY KEY (vm, node, key, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX vm_device_path ON vm_device (node, path);"
    "CREATE TABLE vm_mapping ("
    "  vm INTEGER NOT NULL,"
    "  node TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  mapping TEXT NOT NULL,"
    "  PRIMARY KEY (vm, node, key, mapping)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX vm_mapping_mapping ON vm_mapping (mapping, node);"
    "CREATE TABLE reservation ("
    "  device TEXT PRIMARY KEY,"
    "  vm INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  process INTEGER NOT NULL,"
    "  start INTEGER NOT NULL,"
    "  boot TEXT NOT NULL,"
    "  parent TEXT,"
    "  type TEXT) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 3;",

    /* The number of a document's last change (storage/storage.h); a deleted one keeps its row, without a
     * body, only for a while. */
    "ALTER TABLE document ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
    "DELETE FROM document WHERE body IS NULL;"
    "CREATE INDEX document_changed ON document (changed);"
    "CREATE INDEX document_deleted ON document (changed) WHERE body IS NULL;"
    "PRAGMA user_version = 4;",

    /* How far the documents follow those of a cluster (storage/commit.h): at most one row. */
    "CREATE TABLE position ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  source TEXT NOT NULL,"
    "  revision INTEGER NOT NULL) STRICT;"
    "PRAGMA user_version = 5;",
};

static const int64_t newest = COUNT_OF(steps);

int migrations_check(sqlite3 *db, struct error *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    int64_t application, version, tables;

    if (sqlite_read_number(db, "PRAGMA application_id", &application, err) != 0 ||
        sqlite_read_number(db, "PRAGMA user_version", &version, err) != 0 ||
        sqlite_read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
        return -1;
    if (application != APPLICATION_ID && (application != 0 || tables != 0))
        return error_set(
            err, ERROR_FAILED,
            "'%s' is a database of another program; move the file away, or name another state folder", path);
    if (version > newest)
        return error_set(
            err, ERROR_FAILED,
            "'%s' was written by a newer hostpci (schema %" PRId64 ", this one knows %" PRId64
            "); install that version again, or put a backup from before the upgrade in its place",
            path, version, newest);
    return 0;
}

int migrations_run(sqlite3 *db, const struct index_kind *index, struct error *err)
{
    int64_t version;

    if (sqlite_begin(db, err) != 0)
        return -1;
    int result = sqlite_read_number(db, "PRAGMA user_version", &version, err);
    if (result == 0 && version == newest) {
        sqlite_rollback(db);
        return 0;
    }
    for (; result == 0 && version < newest; version++)
        result = sqlite_execute(db, steps[version], err);
    if (result == 0)
        result = index_rebuild(db, index, err);
    if (result == 0)
        return sqlite_commit(db, err);
    sqlite_rollback(db);
    return -1;
}
