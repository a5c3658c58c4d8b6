/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's memory: BROKER_DIR/journal.db (default /var/lib/hostpci-broker, mode 0700), SQLite, for root
 * alone. SQL is in journal_open.c alone. Used by the broker's one thread.
 *
 *   operation   id, name, arguments, boot id, when it began, its end (NULL: none yet), the step it is at
 *   worker      pid and start time of each that an operation has had until its end: one that hangs in the
 *               kernel outlives its broker
 *   line        the log of each operation
 *   touched     function -> operation, what it had, what is wanted; the row goes when the function is settled
 *   fact        by function: its choice, origin and reset (broker/worker/worker.h); the last two are of one
 * boot
 *
 * Ended operations are history: the last JOURNAL_HISTORY stay. Steps need not survive a power cut, since
 * after one the kernel knows nothing of them either: WAL with synchronous=NORMAL; a choice is committed with
 * FULL. */
#ifndef HOSTPCI_BROKER_DAEMON_JOURNAL_H
#define HOSTPCI_BROKER_DAEMON_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define JOURNAL_HISTORY 1000

struct journal;

/* Makes the folder. ERROR_CONFLICT if another broker has it open. What is of another boot than `boot` becomes
 * history: its operations end as interrupted by a reboot. A child made by fork must not use the journal. */
int journal_open(const char *folder, const char *boot, struct journal **ret, struct error *err);
void journal_close(struct journal *journal); /* takes NULL */

/* Operations are known by a number here, by an id to others. */
int journal_find(struct journal *journal, const char *id, int64_t *ret, struct error *err);

/* A new operation and its first worker (start: broker/process.h). ERROR_CONFLICT if the id is taken. */
struct journal_worker {
    pid_t pid;
    int64_t start;
};
int journal_start(struct journal *journal, const char *id, const char *operation, const json_t *arguments,
                  struct journal_worker worker, int64_t *ret, struct error *err);
/* Removes what has ended, with all its lines; nothing if there is none, or it has not ended. */
int journal_forget(struct journal *journal, const char *id, struct error *err);
/* Another worker goes on with it: its end, if it had one, does not count any more. */
int journal_resume(struct journal *journal, int64_t number, struct journal_worker worker, struct error *err);
int journal_log(struct journal *journal, int64_t number, int line, const char *text, struct error *err);
int journal_step(struct journal *journal, int64_t number, const char *function, const char *text,
                 struct error *err);
/* `end` is {"result": ...} or {"error": ...}. */
int journal_end(struct journal *journal, int64_t number, const json_t *end, struct error *err);

/* 1: there is such a line, which the caller frees; 0: there is none. */
int journal_read_line(struct journal *journal, int64_t number, int line, char **ret, struct error *err);
/* 1: it has ended so; 0: it has not; -1: also if it is no history any more (ERROR_NOT_FOUND). */
int journal_read_end(struct journal *journal, int64_t number, json_t **ret, struct error *err);

/* What has no end, or has one and yet functions that are not settled, in order of beginning:
 * [{number, id, operation, arguments, started, lines, end?, workers: [{pid, start-time}]}], the first worker
 * first. */
int journal_list_open(struct journal *journal, json_t **ret, struct error *err);

/* All of `touched` (broker/worker/worker.h) or none. ERROR_BUSY if another operation that has not ended has
 * one of them; from one that has ended without settling it is taken over. What is told anew of a function
 * that the operation has already replaces what was told before. */
int journal_touch(struct journal *journal, int64_t number, const json_t *touched, struct error *err);
int journal_settle(struct journal *journal, int64_t number, const char *function, struct error *err);
/* The rows that are not settled, as they were told, in order of touching. */
int journal_read_touched(struct journal *journal, int64_t number, json_t **ret, struct error *err);
/* Whether an operation that has not ended has it. */
int journal_is_held(struct journal *journal, const char *function, bool *ret, struct error *err);

/* Facts: `kind` is "choice", "origin" or "reset"; body an object with vendor and device beside what it says.
 * A choice is of every boot. An origin that is there stays, unless it is of another card. */
int journal_keep(struct journal *journal, const char *kind, const char *function, const json_t *body,
                 struct error *err);
int journal_drop(struct journal *journal, const char *kind, const char *function, struct error *err);
/* {kind: body} of one function, or {function: {kind: body}} of all (function NULL); `unsettled`: {operation}
 * is among the kinds for one that an ended operation left. */
int journal_read_facts(struct journal *journal, const char *function, json_t **ret, struct error *err);

#endif
