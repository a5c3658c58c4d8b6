/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's one thread: it waits for clients, workers and signals, and hands each to its file. Nothing
 * here blocks: workers do what may. */
#ifndef HOSTPCI_BROKER_DAEMON_LOOP_H
#define HOSTPCI_BROKER_DAEMON_LOOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "broker/daemon/client.h"
#include "broker/daemon/job.h"
#include "broker/daemon/journal.h"
#include "hardware/sysfs.h"

struct loop {
    const struct sysroot *sysroot;
    struct journal *journal;
    const char *path; /* of the socket */
    int listener;     /* -1: nothing new is taken */
    int signals;
    uid_t users[3]; /* who may ask */
    struct client *clients;
    struct job *jobs;
    unsigned client_count, job_count, reader_count; /* readers: the jobs that only read */
    json_t *choices;                                /* that are not applied yet: {function: body} */
    long steps, stop_at;                            /* HOSTPCI_BROKER_STOP_AT; 0: never */
    int64_t deadline;                               /* of the end; 0: not asked to stop */
    int64_t refused;                                /* when that was logged last */
};

/* Replays the journal, then runs until SIGTERM or SIGINT. Signals are blocked, `signals` gets them. */
int loop_run(struct loop *loop, struct error *err);

int64_t loop_clock(void); /* milliseconds, of a clock that nobody sets */

/* broker/daemon/listen.c: a listening socket at `path`.new, which broker_publish gives its name when it can
 * answer. Everybody may connect; who may ask is told by the kernel (client_accept). An old socket that nobody
 * answers is replaced; ERROR_CONFLICT if somebody does. */
int broker_listen(const char *path, int *ret, struct error *err);
int broker_publish(const char *path, struct error *err);

/* broker/daemon/choices.c: begins to apply the choices whose functions nobody has in hand. */
void loop_apply_choices(struct loop *loop);

/* broker/daemon/state.c: the reply of `state`; id NULL: of all functions. */
int loop_describe(struct loop *loop, const char *id, json_t **ret, struct error *err);

#endif
