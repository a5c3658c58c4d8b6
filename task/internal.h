/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share, and nobody else sees. */
#ifndef HOSTPCI_TASK_INTERNAL_H
#define HOSTPCI_TASK_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include "task/task.h"

struct task {
    struct tasks *tasks;
    struct task *next; /* of those that run */
    struct storage *storage;
    int64_t number;
    char upid[UPID_SIZE];
    task_function *run;
    void *argument;
    void (*release)(void *argument);
    atomic_bool stopped;

    /* for its own thread */
    int lines, warnings;
    bool complained; /* that a line could not be kept */
};

/* A safe copy in one line of at most TASK_LINE_LENGTH bytes, which the caller frees. */
char *log_clean(const char *text);

/* The end of its log and of itself, as one step. `failure` NULL: it went well. */
int log_end(struct task *task, const struct error *failure, struct error *err);

#endif
