/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks and their logs. They belong to this node alone and are never replicated: they have tables of their
 * own beside the documents and are not part of change sets. Thread-safe.
 *
 * The beginning and the end of a task are on the disk before the call returns. Lines need not be: a power cut
 * may lose the last of them, but the end of the daemon does not. Readers see each line at once.
 *
 * A task as JSON is {upid, type, id, user, starttime}, and when it has ended also {endtime, result, status}.
 */
#ifndef HOSTPCI_STORAGE_LOCAL_H
#define HOSTPCI_STORAGE_LOCAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/storage.h"

struct local_task {
    int64_t number; /* counts the tasks of this node, from its first on */
    const char *upid, *type, *id;
    const char *user;  /* with !TOKEN */
    int64_t starttime; /* seconds since 1970 */
};
int local_begin_task(struct storage *storage, const struct local_task *task, struct error *err);

/* The lines of a task are numbered from 1. Each number is added once. */
struct local_line {
    int number;
    const char *text; /* UTF-8 */
    bool warning;
};
int local_add_line(struct storage *storage, int64_t task, const struct local_line *line, struct error *err);

struct local_end {
    int64_t endtime;
    const char *result; /* ok, warning or error */
    const char *status; /* the exit status in words */
    struct local_line last;
};
int local_end_task(struct storage *storage, int64_t task, const struct local_end *end, struct error *err);

/* Deletes the oldest ended tasks: all but the newest `tasks`, and of those all but the newest that have
 * `lines` lines together. */
int local_trim_tasks(struct storage *storage, int tasks, int lines, struct error *err);

/* The highest number of a task; 0 if there was none. */
int local_last_task(struct storage *storage, int64_t *ret, struct error *err);

/* [{number, upid, lines, warnings}] of the tasks that have not ended, oldest first. The last two are counts.
 */
int local_list_unfinished(struct storage *storage, json_t **ret, struct error *err);

/* Which tasks match: a member that is NULL or 0 excludes nothing. */
struct local_filter {
    enum { LOCAL_ENDED, LOCAL_RUNNING, LOCAL_ALL } state;
    const char *owner;     /* this user or one of its tokens (not a user whose name only begins alike) ... */
    int64_t owner_since;   /* ... provided that the task did not begin earlier */
    const char *user;      /* a part of the user's name; case does not matter */
    const char *type, *id; /* exactly */
    const json_t *results; /* array; a running task has no result */
    int64_t since, until;  /* of starttime */
    int64_t start, limit;  /* skip the first `start` that match, then list `limit` (0: all) */
};
/* Newest first. *ret_total is the number of tasks that match. */
int local_list_tasks(struct storage *storage, const struct local_filter *filter, json_t **ret,
                     int64_t *ret_total, struct error *err);

/* ERROR_NOT_FOUND if the task is not known. */
int local_read_task(struct storage *storage, const char *upid, json_t **ret, struct error *err);

/* [{n, t}]: number and text; start and limit as above. *ret_total is the number of lines so far; 0 if the
 * task is not known. */
int local_read_lines(struct storage *storage, const char *upid, int64_t start, int64_t limit, json_t **ret,
                     int64_t *ret_total, struct error *err);

#endif
