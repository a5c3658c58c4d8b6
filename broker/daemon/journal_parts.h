/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the journal's files share; for them alone. */
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
    DELETE_ENDED,
    RESUME,
    LOG,
    STEP,
    END,
    READ_LINE,
    READ_END,
    LIST_OPEN,
    CLAIM,
    FIND_HOLDER,
    RELEASE,
    READ_CLAIMS,
    SAVE_FACT,
    SAVE_FACT_ONCE,
    FORGET_FACT,
    READ_FACTS,
    STATEMENTS
};

struct journal {
    int lock;
    char *boot;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

/* Resets a prepared statement at the end of the scope: one that is left open would keep the database's log
 * from being written back. */
void journal_reset(sqlite3_stmt **statement);
#define autoreset __attribute__((cleanup(journal_reset)))

/* For a statement that returns no rows. */
int journal_run(sqlite3_stmt *statement, struct error *err);
json_t *journal_json(sqlite3_stmt *statement, int column);

#endif
