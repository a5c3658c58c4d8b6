/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migrations bring the schema of the database up to date. PRAGMA user_version is the number of steps that
 * have been applied. */
#ifndef HOSTPCI_STORAGE_MIGRATIONS_H
#define HOSTPCI_STORAGE_MIGRATIONS_H

#include <sqlite3.h>

#include "base/error.h"
#include "storage/index.h"

/* Refuses a database of another program and one that a newer hostpci wrote. Changes nothing. */
int migrations_check(sqlite3 *db, struct error *err);

/* Applies the missing steps and rebuilds the index tables, all in one transaction. */
int migrations_run(sqlite3 *db, const struct index_kind *index, struct error *err);

#endif
