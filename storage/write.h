/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes: each changes the database whole or not at all, and concurrent ones share a transaction, so that
 * they wait for the disk once. For this room only.
 *
 * The first write that arrives while no transaction runs leads: it takes all that are waiting, runs each in a
 * savepoint, commits once, and then all of them return. Those that arrive in the meantime form the next
 * transaction. No write waits for others to come, so a lone write is committed at once.
 *
 *  - A write sees what those before it in the same transaction wrote, as if each had been committed.
 *  - A write that fails is undone alone; the others are not affected.
 *  - None returns before the commit. If the commit fails, all writes get its error, even those that had
 * failed for a reason of their own: that reason may have been a change that is undone now. */
#ifndef HOSTPCI_STORAGE_WRITE_H
#define HOSTPCI_STORAGE_WRITE_H

#include <sqlite3.h>

#include "base/error.h"

struct storage;

/* Runs inside a transaction, in the thread of any write, perhaps again after a transaction was given up: it
 * must affect nothing but db, and must return at the first error. */
typedef int write_function(sqlite3 *db, const void *context, struct error *err);

enum write_durability {
    WRITE_DURABLE, /* on the disk when write_run returns */
    WRITE_LAZY,    /* it survives the end of the daemon; a power cut may undo it */
};

/* Calls run(context) and commits. Thread-safe. */
int write_run(struct storage *storage, enum write_durability durability, write_function *run,
              const void *context, struct error *err);

#endif
