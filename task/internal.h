/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of task/ share. Only they include it. */
#ifndef HOSTPCI_TASK_INTERNAL_H
#define HOSTPCI_TASK_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include "task/task.h"

struct task {
    struct tasks *tasks;
    struct task *next; /* of the tasks that run */
    struct storage *storage;
    int64_t number;
    char upid[UPID_SIZE];
    task_function *run;
    void *argument;
    void (*release)(void *argument);
    atomic_bool stopped;

    /* for its own thread */
    int lines, warnings;
    bool complained; /* about a line that could not be written */
};

/* A copy of the text that is one line of at most TASK_LINE_LENGTH printable bytes. The caller frees it. */
char *task_clean_line(const char *text);

/* Writes the last line of the log and the end of the task in one step. `failure` NULL: it succeeded. */
int task_record_end(struct task *task, const struct error *failure, struct error *err);

#endif
