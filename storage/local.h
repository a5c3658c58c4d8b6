/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to this node alone and is never replicated: tasks and their logs. In the same database as the
 * documents, in tables of its own; not part of change sets. Thread-safe.
 *
 * That a task began, and how it ended, is on the disk before the call returns. Lines are not waited for: the
 * last of them may be lost by a power cut, never by the end of the daemon. Readers see each at once.
 *
 * A task as JSON: {upid, type, id, user, starttime}, and of one that has ended endtime, result and status. */
#ifndef HOSTPCI_STORAGE_LOCAL_H
#define HOSTPCI_STORAGE_LOCAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/storage.h"

struct local_task {
    int64_t number; /* of all tasks of this node, ever */
    const char *upid, *type, *id;
    const char *user;  /* with !TOKEN */
    int64_t starttime; /* seconds since 1970 */
};
int local_begin_task(struct storage *storage, const struct local_task *task, struct error *err);

/* Lines of a task count from 1; each is added once. */
struct local_line {
    int number;
    const char *text; /* UTF-8 */
    bool warning;
};
int local_add_line(struct storage *storage, int64_t task, const struct local_line *line, struct error *err);

struct local_end {
    int64_t endtime;
    const char *result; /* ok, warning or error */
    const char *status; /* the same in words */
    struct local_line last;
};
int local_end_task(struct storage *storage, int64_t task, const struct local_end *end, struct error *err);

/* Forgets the oldest ended tasks beyond so many, and beyond those that have so many lines together. */
int local_trim_tasks(struct storage *storage, int tasks, int lines, struct error *err);

/* The highest number of a task; 0 if there was none. */
int local_last_task(struct storage *storage, int64_t *ret, struct error *err);

/* Those that have not ended, oldest first: [{number, upid, lines, warnings}]; the last two are counts. */
int local_list_unfinished(struct storage *storage, json_t **ret, struct error *err);

struct local_filter {
    enum { LOCAL_ENDED, LOCAL_RUNNING, LOCAL_ALL } state;
    const char *owner;     /* this user, and its tokens; each NULL or 0: not asked for */
    const char *user;      /* a part of it, in any case */
    const char *type, *id; /* whole */
    const json_t *results; /* array of them; what runs has none */
    int64_t since, until;  /* of starttime */
    int64_t start, limit;  /* of those that fit: leave out `start`, then give `limit` (0: all) */
};
/* Newest first. *ret_total: how many fit. */
int local_list_tasks(struct storage *storage, const struct local_filter *filter, json_t **ret,
                     int64_t *ret_total, struct error *err);

/* ERROR_NOT_FOUND if it is not known. */
int local_read_task(struct storage *storage, const char *upid, json_t **ret, struct error *err);

/* [{n, t}]: number and text; start and limit as above. *ret_total: how many lines there are by now. None if
 * the task is not known. */
int local_read_lines(struct storage *storage, const char *upid, int64_t start, int64_t limit, json_t **ret,
                     int64_t *ret_total, struct error *err);

#endif
