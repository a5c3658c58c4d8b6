/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's journal: what it must know after a crash, in BROKER_DIR/journal.db (default
 * /var/lib/hostpci-broker, mode 0700), SQLite, for root alone. SQL is in journal_open.c alone. It is used by
 * the broker's one thread; a child made by fork must not use it.
 *
 *   operation   id, name, arguments, boot id, when it began, its end (NULL: none yet), the step it is at
 *   worker      pid and start time of each worker that an operation has had until its end: one that the
 *               kernel holds outlives its broker
 *   line        the log of each operation
 *   touched     the claims: function -> operation, what it had, what is wanted; a row goes when the function
 *               is released
 *   fact        by function: its choice, origin and reset (broker/worker/worker.h), and what else is kept
 *               (broker/daemon/kept.h); some kinds are of one boot
 *
 * The format of the database cannot change without a migration: a new broker reads the journal of the old
 * one.
 *
 * Operations that have ended are history, of which the last JOURNAL_HISTORY stay. Steps need not survive a
 * power cut, since after one the kernel knows nothing of them either: WAL with synchronous=NORMAL. Facts
 * of every boot must, and are committed with FULL. */
#ifndef HOSTPCI_BROKER_DAEMON_JOURNAL_H
#define HOSTPCI_BROKER_DAEMON_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define JOURNAL_HISTORY 1000

struct journal;

/* ERROR_FAILED if others may write to it. */
int journal_make_folder(const char *folder, struct error *err);

/* Makes the folder. ERROR_CONFLICT if another broker has it open. What is of another boot than `boot` becomes
 * history: its operations end as interrupted by a reboot. */
int journal_open(const char *folder, const char *boot, struct journal **ret, struct error *err);
void journal_close(struct journal *journal); /* takes NULL */

/* An operation has an id, by which others know it, and a number, by which the functions below do. */
int journal_find(struct journal *journal, const char *id, int64_t *ret, struct error *err);

struct journal_worker {
    pid_t pid;
    int64_t start; /* see broker/process.h */
};

/* A new operation and its first worker. ERROR_CONFLICT if the id is in use. */
int journal_start(struct journal *journal, const char *id, const char *operation, const json_t *arguments,
                  struct journal_worker worker, int64_t *ret, struct error *err);
/* Deletes an operation that has ended, with all its lines; does nothing if there is none, or has not ended.
 */
int journal_delete_ended(struct journal *journal, const char *id, struct error *err);
/* Another worker goes on with it: its end, if it had one, does not count any more. */
int journal_resume(struct journal *journal, int64_t number, struct journal_worker worker, struct error *err);
int journal_log(struct journal *journal, int64_t number, int line, const char *text, struct error *err);
int journal_step(struct journal *journal, int64_t number, const char *function, const char *text,
                 struct error *err);
/* `end` is {"result": ...} or {"error": ...}. */
int journal_end(struct journal *journal, int64_t number, const json_t *end, struct error *err);

/* 1: *ret is the line, which the caller frees; 0: there is no such line. */
int journal_read_line(struct journal *journal, int64_t number, int line, char **ret, struct error *err);
/* 1: *ret is its end; 0: it has not ended; -1 with ERROR_NOT_FOUND if it is no longer even in the history. */
int journal_read_end(struct journal *journal, int64_t number, json_t **ret, struct error *err);

/* The operations that have not ended, and those that have but still hold claims, in the order in which they
 * began: [{number, id, operation, arguments, started, lines, end?, workers: [{pid, start-time}]}], the first
 * worker first. */
int journal_list_open(struct journal *journal, json_t **ret, struct error *err);

/* Enters all claims (broker/protocol.h) or none. ERROR_BUSY if another operation that has not ended
 * has claimed one of the functions; a claim of one that has ended is taken over. A claim of a function that
 * the operation has claimed already replaces the former one. */
int journal_claim(struct journal *journal, int64_t number, const json_t *claims, struct error *err);
int journal_release(struct journal *journal, int64_t number, const char *function, struct error *err);
/* The claims of an operation as they were entered, in order. */
int journal_read_claims(struct journal *journal, int64_t number, json_t **ret, struct error *err);
/* Whether an operation that has not ended has claimed the function. */
int journal_is_claimed(struct journal *journal, const char *function, bool *ret, struct error *err);

/* Facts: the body is an object with vendor and device beside what it says. A fact of the kind "origin",
 * "reset" or FACT_MADE... (broker/protocol.h) is of this boot, others are of every boot. An origin stays as
 * it is, unless the new one is of another device. */
int journal_save_fact(struct journal *journal, const char *kind, const char *function, const json_t *body,
                      struct error *err);
int journal_forget_fact(struct journal *journal, const char *kind, const char *function, struct error *err);
/* {kind: body} of one function, or {function: {kind: body}} of all (function NULL). A function that an ended
 * operation left half-way has one kind more, `left-by`: {operation}. */
int journal_read_facts(struct journal *journal, const char *function, json_t **ret, struct error *err);

#endif
