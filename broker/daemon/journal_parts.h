/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the journal's files share, and nobody else sees. */
#ifndef HOSTPCI_BROKER_DAEMON_JOURNAL_PARTS_H
#define HOSTPCI_BROKER_DAEMON_JOURNAL_PARTS_H

#include "broker/daemon/journal.h"
#include "storage/sqlite.h"

/* Prepared when the journal is opened; the texts are in journal_open.c. */
enum statement {
    FIND,
    START,
    ADD_WORKER,
    DROP_WORKERS,
    TRIM,
    FORGET,
    RESUME,
    LOG,
    STEP,
    END,
    READ_LINE,
    READ_END,
    LIST_OPEN,
    TOUCH,
    FIND_HOLDER,
    SETTLE,
    READ_TOUCHED,
    KEEP,
    KEEP_ONCE,
    DROP,
    READ_FACTS,
    STATEMENTS
};

struct journal {
    int lock;
    char *boot;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

/* A prepared statement that is given back at the end of the scope: one that is left open would hold the log
 * of the database. */
void journal_reset(sqlite3_stmt **statement);
#define autoreset __attribute__((cleanup(journal_reset)))

/* For what returns nothing. */
int journal_run(sqlite3_stmt *statement, struct error *err);
json_t *journal_json(sqlite3_stmt *statement, int column);

#endif
