/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: work that takes longer than a request.
 *
 * Each runs in a thread of its own and has a log and an exit status: "OK", "WARNINGS: n" or the error's text.
 * The last line of its log says the same: "TASK OK", "TASK WARNINGS: n", "TASK ERROR: ...".
 *
 * Tasks are stored (storage/local.h): a task is durable before task_begin returns, and each line can be read
 * when task_log returns. There are limits to the number of tasks that run at once, to the lines of one, and
 * to the tasks and lines of the history. */
#ifndef HOSTPCI_TASK_TASK_H
#define HOSTPCI_TASK_TASK_H

#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"
#include "task/upid.h"

#define TASK_RUNNING       256    /* run at once; more are refused with ERROR_BUSY */
#define TASK_LINES         10000  /* per task; further ones are dropped, and the last one says so */
#define TASK_LINE_LENGTH   4096   /* bytes; longer lines are cut */
#define TASK_HISTORY       2000   /* ended tasks, or */
#define TASK_HISTORY_LINES 200000 /* lines of ended tasks, beyond which the oldest tasks are deleted */

struct tasks;
struct task;

/* 0: the exit status is OK, or WARNINGS if there were any; -1: it is the text of err. */
typedef int task_function(struct task *task, void *argument, struct error *err);

/* `storage` must outlive it. */
int tasks_open(struct storage *storage, const char *node, struct tasks **ret, struct error *err);

/* Accepts no new tasks and waits up to `seconds` for those that run. False if some still run, which is not an
 * error: the next daemon resumes them with tasks_recover. They still use the tasks, the storage and their
 * arguments, so the process must end without freeing any of these. Takes NULL. */
bool tasks_close(struct tasks *tasks, unsigned seconds);

/* Resumes each task that an earlier daemon left unfinished, in a thread of its own, where run(task, argument)
 * finds out how the work ended. To be called once, after tasks_open. */
int tasks_recover(struct tasks *tasks, task_function *run, void *argument, struct error *err);

struct task_start {
    const char *type, *id, *user; /* for the UPID; the user with !TOKEN */
    task_function *run;
    void *argument;
    void (*release)(void *argument); /* may be NULL; called when the task has ended */
};
/* After a failure there is no task, and the argument is still the caller's. */
int task_begin(struct tasks *tasks, const struct task_start *start, char ret[static UPID_SIZE],
               struct error *err);

const char *task_upid(const struct task *task);

/* Waits for the end of a short task. The caller frees what local_read_task says of it; NULL if it has not
 * ended in that time. */
json_t *task_wait(struct storage *storage, const char *upid, long long seconds);

/* For the task's own thread. Each call adds one line, in which control characters and bytes that are not
 * UTF-8 become \xNN. A warning is counted, and its line begins with "WARN: ". */
void task_log(struct task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
void task_warn(struct task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
int task_line_count(const struct task *task); /* lines in its log, including those of an earlier daemon */

/* Asks a task to stop; ERROR_NOT_FOUND if it does not run. The task has to look with task_is_stopped. */
int task_stop(struct tasks *tasks, const char *upid, struct error *err);
bool task_is_stopped(const struct task *task);

#endif
