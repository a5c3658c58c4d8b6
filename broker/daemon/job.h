/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job: an operation while the broker runs it. It has one worker after the other: the operation's own and,
 * if that one ends and leaves functions half-way, one that brings them back.
 *
 * This file has the record and its states; job_messages.h handles what a worker says, job_run.h moves a job
 * from state to state. Each job is in one of these states, and job_enter is the only way into another:
 *
 *   STARTING          no worker was sent `start`; a job of an earlier broker begins here, too
 *   RUNNING           the operation's worker is at work
 *   SILENT            the same, but it has not said anything for too long: the kernel holds it
 *   UNDOING           a worker brings back what an earlier one left
 *   UNDOING_SILENT    the same, but the kernel holds it
 *   UNDO_LATER        no worker: undoing could not begin, or its worker died; tried again by the timer
 *   ENDING            no worker: the end is known, but not in the journal yet; the timer tries again
 *   ENDED             nothing more happens; freed before the loop waits again
 *
 *   from             to  RUNNING  SILENT  UNDOING  UNDOING_SILENT  UNDO_LATER  ENDING  ENDED
 *   STARTING               x                x                        x           x
 *   RUNNING                         x       x                        x           x
 *   SILENT                 x                x                        x           x
 *   UNDOING                                          x               x           x
 *   UNDOING_SILENT                          x                        x           x
 *   UNDO_LATER                              x                        x           x
 *   ENDING                                                                       x       x
 *
 * A job that only reads is not in the journal and has nothing to undo. It goes from STARTING to RUNNING, to
 * SILENT and back, and from either to ENDED. */
#ifndef HOSTPCI_BROKER_DAEMON_JOB_H
#define HOSTPCI_BROKER_DAEMON_JOB_H

#include <stdint.h>
#include <time.h>

#include "broker/daemon/journal.h"
#include "broker/daemon/loop.h"
#include "broker/daemon/spawn.h"

#define JOB_LIMIT 128 /* jobs at once; more are refused with ERROR_BUSY */
#define JOB_READERS                                                                                          \
    32 /* of these may only read, so that an operation that changes the host always finds room */
#define JOB_LINES       2000 /* of an operation's log; the rest is left out, and a line says so */
#define JOB_PATIENCE_MS 10000

enum job_state {
    JOB_STARTING,
    JOB_RUNNING,
    JOB_SILENT,
    JOB_UNDOING,
    JOB_UNDOING_SILENT,
    JOB_UNDO_LATER,
    JOB_ENDING,
    JOB_ENDED,
    JOB_STATES
};

struct machines;
struct kept;

struct job {
    struct job *next;
    struct jobs *jobs;
    const struct operation *operation;
    json_t *arguments;
    char *id;       /* NULL: it only reads */
    int64_t number; /* in the journal */
    time_t started;
    enum job_state state;
    struct loop_timer timer; /* the worker's patience, or the next attempt: by the state */
    struct worker_process worker;
    int lines;
    bool stop; /* somebody asked for that */

    /* the worker's last messages */
    long long heard;       /* when the last one arrived, by base/clock.h */
    char *step, *function; /* the step that it announced; NULL: none yet */
    int given;             /* a descriptor that came with it; -1: none */
    json_t *said;          /* its result or error; NULL: it has not ended, or has died */
    json_t *lost;          /* {"error"}: why a fact could not be written to the journal; NULL: all were */
    /* in the two silent states: */
    time_t silent_since;
    char *silent_in; /* the step and the kernel's file */

    /* how the operation ends */
    json_t *outcome;     /* what its own worker said; NULL: that one died */
    json_t *undone;      /* what the worker that undid it said */
    unsigned recoveries; /* how many workers have tried that */
    json_t *survivors;   /* workers of an earlier broker, which the kernel may hold: [{pid, start-time}] */
    json_t *end;         /* to be written into the journal */

    /* for one that only reads: who gets its result or error; NULL: nobody any more */
    void (*answer)(void *reader, json_t *answer);
    void *reader;
};

/* All jobs. */
struct jobs {
    struct loop *loop;
    struct journal *journal;
    const struct sysroot *sysroot;
    const char *rom_dir;            /* the folder of the romfiles */
    const char *run_dir;            /* machines are below it */
    const char *qemu;               /* the binary */
    const char *const *volume_dirs; /* a VM gets the files below these alone; ends with NULL */
    const char *store;              /* the folder of the storage `local` */
    uid_t uid_base;                 /* the first of the VMs' users */
    int helper;                     /* broker/daemon/helper.h; -1: none */
    struct job *list;               /* the newest first */
    struct machines *machines;      /* broker/daemon/machines.h */
    struct kept *kept;              /* broker/daemon/kept.h */
    unsigned count, readers;
    long steps, stop_at; /* broker_stop_at(); 0: never */
    /* Called when the journal has a new line, or the end, of the operation of that number. */
    void (*changed)(void *context, int64_t number);
    void *context;
};

/* Whether the tables above allow it. */
bool job_may_enter(bool reads, enum job_state from, enum job_state to);
/* Ends the broker if the tables do not allow it; the next broker finds everything in the journal. */
void job_enter(struct job *job, enum job_state state);

bool job_has_worker(const struct job *job);
void job_close(struct job *job, int *fd); /* its socket or its pidfd, which it also unwatches */
bool job_is_silent(const struct job *job);

struct job *job_new(struct jobs *jobs, const struct operation *operation, const char *id, json_t *arguments);
void job_free(struct job *job); /* one that is not among the jobs */
void job_add(struct job *job);
struct job *job_find(const struct jobs *jobs, const char *id); /* one that has not ended; NULL if none */

/* Adds a line to the operation's log. */
void job_log(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the answer, which it takes, to the reader of a job that only reads, once. The reader may take
 * job->given. */
void job_answer(struct job *job, json_t *answer);

/* Returns how many were freed. */
unsigned jobs_free_ended(struct jobs *jobs);
/* Frees all of them, whatever their state, and leaves their workers alone. */
void jobs_clear(struct jobs *jobs);

#endif
