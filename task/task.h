/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: what takes longer than a request. Each runs in a thread of its own, has a log, and an end that is
 * told by its exit status: "OK", "WARNINGS: n" or the error's text. The last line of its log says the same:
 * "TASK OK", "TASK WARNINGS: n", "TASK ERROR: ...".
 *
 * Kept in SQLite (storage/local.h): a task is there, durably, before task_begin returns, and each line is
 * when task_log returns. Bounded: so many run at once, so many lines are kept of one, so many tasks and lines
 * of all. */
#ifndef HOSTPCI_TASK_TASK_H
#define HOSTPCI_TASK_TASK_H

#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"
#include "task/upid.h"

#define TASK_RUNNING       256    /* at once; more are refused with ERROR_BUSY */
#define TASK_LINES         10000  /* of one; further ones are dropped, and the last says so */
#define TASK_LINE_LENGTH   4096   /* bytes; longer ones are cut */
#define TASK_HISTORY       2000   /* ended tasks, and */
#define TASK_HISTORY_LINES 200000 /* their lines, before the oldest go */

struct tasks;
struct task;

/* 0: OK, or WARNINGS if there were any; -1: err is the exit status. */
typedef int task_function(struct task *task, void *argument, struct error *err);

/* `storage` must outlive it. */
int tasks_open(struct storage *storage, const char *node, struct tasks **ret, struct error *err);

/* Takes no new ones and waits up to `seconds` for what runs. False if some still run, which is no failure: a
 * next daemon takes them up by tasks_recover; but they use the tasks, the storage and their arguments, so
 * the process must end without freeing them. Takes NULL. */
bool tasks_close(struct tasks *tasks, unsigned seconds);

/* What an earlier daemon left unfinished: each goes on as run(task, argument), which finds out the truth, in
 * a thread of its own. Called once, after tasks_open. */
int tasks_recover(struct tasks *tasks, task_function *run, void *argument, struct error *err);

struct task_start {
    const char *type, *id, *user; /* of the UPID; user with !TOKEN */
    task_function *run;
    void *argument;
    void (*release)(void *argument); /* may be NULL; called when the task has ended */
};
/* After a failure there is no task, and the argument is still the caller's. */
int task_begin(struct tasks *tasks, const struct task_start *start, char ret[static UPID_SIZE],
               struct error *err);

const char *task_upid(const struct task *task);

/* For the task's own thread. A call adds one line: control characters and what is not UTF-8 become \xNN. A
 * warning is counted, and its line begins with "WARN: ". */
void task_log(struct task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
void task_warn(struct task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
int task_line_count(const struct task *task); /* lines in its log, those of an earlier daemon too */

/* Asks it to stop; ERROR_NOT_FOUND if it does not run. A task looks with task_is_stopped. */
int task_stop(struct tasks *tasks, const char *upid, struct error *err);
bool task_is_stopped(const struct task *task);

#endif
