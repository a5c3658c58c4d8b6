/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker: the child process that does one operation, as one straight line, and tells the broker what it
 * does. What it tells is in the journal before its next worker_begin, worker_step or worker_ask returns, and
 * before anybody hears of its end. If the broker is gone the worker ends at its next call: the next broker's
 * recovery finds what is to be undone. */
#ifndef HOSTPCI_BROKER_WORKER_WORKER_H
#define HOSTPCI_BROKER_WORKER_WORKER_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/bind/driver.h"
#include "hardware/sysfs.h"

#define WORKER_LINE_SIZE     1024 /* of a line of the log; what is longer is cut */
#define WORKER_TOUCHED_LIMIT 256

struct worker {
    int socket; /* to the broker */
    const struct sysroot *sysroot;
    const char *operation; /* its id; "" of one that only reads */
    json_t *arguments;     /* validated against the operation's schema */
    bool undoing;          /* a request to stop does not stop the way back, nor does a full disk */
};

typedef int operation_function(struct worker *worker, json_t **ret, struct error *err);

/* A line of the operation's log, which the task shows. */
void worker_log(struct worker *worker, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the functions that the operation is going to touch into the journal, with what each had before. From
 * here on nobody else may touch them, until the operation ends. ERROR_BUSY if another operation has one in
 * hand; the message names it. `touched` is [{id, vendor, device, driver, override, reset-methods?, wanted}]:
 * `wanted` is the driver asked for ("" for none, "*" for whichever the kernel chooses), reset-methods what
 * reset_method held. The rows are kept as they are given; other members are for broker/worker/recover.c.
 *
 * Called twice: first without `driver` and `override`, which takes the functions before anything is read that
 * may block while another operation has them; then with all, which replaces the operation's rows. A row
 * without `override` says that nothing was changed yet. */
int worker_begin(struct worker *worker, const json_t *touched, struct error *err);

/* Announces the next step on one function before it is done: "unbind from nvme". -1 (ERROR_FAILED "stopped
 * ...") if somebody asked for the operation to stop, or the journal cannot be written, and it is not undoing.
 */
int worker_step(struct worker *worker, const char *id, const char *text, struct error *err);

/* The function is where it belongs: {id, driver, outcome} outcome: done, undone, forward, gone. The journal's
 * row is closed. A function left open when the worker ends is recovered. */
void worker_settle(struct worker *worker, const char *id, const char *driver, const char *outcome);

/* Lasting facts, by function (with vendor and device, so that another card does not inherit them): */
/* a persistent choice for each start of the broker; driver "" forgets it */
void worker_keep_choice(struct worker *worker, const char *id, const struct driver_state *was,
                        const char *driver);
/* what the function had when it was first taken in this boot, for `restore`; kept once, until forgotten */
void worker_keep_origin(struct worker *worker, const char *id, const struct driver_state *was);
void worker_forget_origin(struct worker *worker, const char *id);
/* how the last reset went: method (the last one tried), ok, message */
void worker_keep_reset(struct worker *worker, const char *id, const struct driver_state *was,
                       const char *method, bool ok, const char *message);

/* What `state` knows of the function: {origin?: {driver, override, vendor, device}, choice?: {driver},
 * reset?: {method, time, ok, message}}; a new reference, an empty object if nothing. */
json_t *worker_ask(struct worker *worker, const char *id);

#endif
