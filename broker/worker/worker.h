/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker: the child process that does one operation, as one straight line, and tells the broker what it
 * does (broker/protocol.h). Some of it may be done by several threads side by side (broker/worker/plan.h):
 * the functions from worker_log to worker_read_facts can be called by all of them.
 *
 * What was said before worker_claim, worker_step or worker_read_facts is in the journal when that returns,
 * and everything is before anybody hears of the operation's end. If the broker is gone, the worker ends
 * inside its next call: the next broker finds in the journal what is to be undone. So no call may be
 * expected to return, and nothing that must happen may wait for one. */
#ifndef HOSTPCI_BROKER_WORKER_WORKER_H
#define HOSTPCI_BROKER_WORKER_WORKER_H

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "hardware/bind/driver.h"
#include "hardware/sysfs.h"

#define WORKER_LINE_SIZE   1024 /* of a line of the log; what is longer is cut */
#define WORKER_CLAIM_LIMIT 256

/* Claimed in the place of a function by what changes the host's files or ends the host. */
#define WORKER_HOST "host"

struct worker {
    int socket; /* to the broker */
    int helper; /* to the one that runs programs (broker/worker/unit.h); -1: there is none */
    const struct sysroot *sysroot;
    const char *rom_dir;            /* the folder of the romfiles */
    const char *run_dir;            /* machines are below it (broker/machine/machine.h) */
    const char *qemu;               /* the binary */
    const char *const *volume_dirs; /* a VM gets the files below these alone; ends with NULL */
    const char *store;              /* and those of the storage `local`, whose folder this is */
    uid_t uid_base;                 /* the first of the VMs' users */
    const char *operation;          /* its id; "" if it only reads */
    json_t *arguments;              /* validated against the operation's schema */
    int given;                      /* a descriptor that goes with its result; -1: none */
    bool undoing;                   /* neither a request to stop nor a full disk ends the way back */
};

/* Adds a line to the operation's log, which the task shows. */
void worker_log(struct worker *worker, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Claims functions: nobody else may change them until they are released, and if the worker dies, another one
 * brings them back by what is said here. `claims` is a list of CLAIM of broker/protocol.h. ERROR_BUSY if
 * another operation has claimed one of them; the message names it.
 *
 * Called twice: first without `driver` and `override`, before anything is read that may block while another
 * operation changes the functions; then with everything, which replaces the first claims. */
int worker_claim(struct worker *worker, const json_t *claims, struct error *err);

/* Announces what is done next on one function, "unbind from nvme". ERROR_FAILED unless the worker is undoing
 * if somebody asked the operation to stop, or if the journal cannot be written. */
int worker_step(struct worker *worker, const char *id, const char *text, struct error *err);

/* The function is where it belongs: its claim ends. A function that is not released when the worker ends is
 * brought back by another worker. */
void worker_release(struct worker *worker, const char *id);

/* Facts about a function, of which each holds its device's ids, so that another device in the same slot does
 * not inherit them. A choice is the driver that the function gets at each start of the broker. An origin is
 * what it had when it was first changed in this boot, which `restore` gives back: it is saved once, until it
 * is forgotten. The last reset: the method that was tried last, whether it worked, and why not. */
void worker_save_choice(struct worker *worker, const char *id, const struct driver_state *was,
                        const char *driver);
void worker_forget_choice(struct worker *worker, const char *id);
void worker_save_origin(struct worker *worker, const char *id, const struct driver_state *was);
void worker_forget_origin(struct worker *worker, const char *id);
void worker_save_reset(struct worker *worker, const char *id, const struct driver_state *was,
                       const char *method, bool ok, const char *message);

/* Any other fact, whose body it takes. */
void worker_save_fact(struct worker *worker, const char *kind, const char *id, const struct driver_state *was,
                      json_t *body);
void worker_forget_fact(struct worker *worker, const char *kind, const char *id);

/* {origin?: {driver, override, vendor, device}, choice?: {driver, vendor, device}, reset?: {method, time, ok,
 * message, vendor, device}}; a new reference. */
json_t *worker_read_facts(struct worker *worker, const char *id);

/* Says how the operation ended: a result, which it takes, or an error. For broker/daemon/spawn.c. */
void worker_end(struct worker *worker, json_t *result, const struct error *err);

#endif
