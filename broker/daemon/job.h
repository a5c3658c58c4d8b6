/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job: an operation that runs, as the broker sees it. It has one worker after another: the operation's own
 * and, if that one ends without settling what it touched, one that brings it back. */
#ifndef HOSTPCI_BROKER_DAEMON_JOB_H
#define HOSTPCI_BROKER_DAEMON_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "broker/daemon/journal.h"
#include "broker/operations.h"

#define JOB_LINES 2000 /* of an operation's log; the rest is left out, and a line says so */

struct client;
struct loop;

struct job {
    struct job *next;
    const struct operation *operation;
    json_t *arguments;
    char *id;       /* NULL: it only reads, and is not in the journal */
    int64_t number; /* in the journal */
    time_t started;
    bool recovers;       /* its worker undoes what an earlier one left */
    unsigned recoveries; /* workers that were tried for that */
    json_t *workers;     /* of an earlier broker, which may live on in the kernel: [{pid, start-time}] */
    int64_t retry;       /* when what could not be done now is tried again; 0: nothing is */
    pid_t worker;        /* 0: none now */
    int socket;          /* to it */
    int lines;
    char *step, *function; /* the step that it announced last; NULL: none */
    bool stop;             /* was asked for */
    int64_t heard;         /* when the worker said something last */
    time_t waiting;        /* since when the kernel does not return; 0: it does */
    char *place;           /* where that is: step and file */
    json_t *said;          /* the worker's last word: {"result": ...} or {"error": ...}; NULL: none */
    json_t *failure;       /* the error that a recovery follows; NULL: its worker had died */
    json_t *end;           /* the operation's, to be written into the journal; NULL: it goes on */
    struct client *client; /* that waits for one that only reads; NULL: none, or it was told that this takes
                              too long */
    bool over;
};

/* Starts an operation with checked arguments, which it takes. `client` is for one that only reads. */
int job_start(struct loop *loop, const struct operation *operation, const char *id, json_t *arguments,
              struct client *client, struct error *err);
/* Goes on with what journal_list_open tells of: whatever its worker left is brought back. */
void job_resume(struct loop *loop, const json_t *row);

void job_log(struct loop *loop, struct job *job, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes a message of its worker; false if there was none. Closes the socket if the worker is gone. */
bool job_hear(struct loop *loop, struct job *job);
void job_reap(struct loop *loop, struct job *job, int status); /* its worker has ended */
/* Looks at the clock: is the kernel late, is it time to try again. */
void job_tick(struct loop *loop, struct job *job, int64_t now);
/* When to look again, in the clock's milliseconds; INT64_MAX: no need to. */
int64_t job_due(const struct job *job);
/* Whether the end of the broker waits for it: not if the kernel does not return. */
bool job_is_busy(const struct job *job);

struct job *job_find(const struct loop *loop, const char *id); /* one that runs, NULL if none */

/* For the job's own files. */
struct job *job_new(const struct operation *operation, const char *id, json_t *arguments);
void job_add(struct loop *loop, struct job *job);
void job_free(struct job *job);
/* Starts a worker with `arguments` (not taken). */
int job_spawn(const struct loop *loop, struct job *job, operation_function *run, json_t *arguments,
              struct error *err);
struct journal_worker job_worker(const struct job *job); /* who it is, for the journal */
/* Of a worker that cannot have done anything yet. It is collected when it has ended, which the kernel may
 * delay. */
void job_kill(struct job *job);
/* Without a worker: what it left open is recovered, or the job ends. */
void job_go_on(struct loop *loop, struct job *job);
void job_answer(struct loop *loop, struct job *job, json_t *answer); /* of one that only reads */

#endif
