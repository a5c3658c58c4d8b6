/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bringing one function to a driver, from wherever it is: the primitive of every operation that moves
 * drivers, of their way back and of recovery. It reads what is and does what is missing, so that it can be
 * repeated after any interruption. Each access that may block is announced by worker_step. */
#ifndef HOSTPCI_BROKER_WORKER_BIND_H
#define HOSTPCI_BROKER_WORKER_BIND_H

#include "base/text.h"
#include "broker/worker/worker.h"
#include "hardware/pci/inventory.h"

#define BINDING_ANY "*" /* whichever driver the kernel chooses, or none if it has none */

struct binding {
    const char *driver;   /* a name, "" for none, BINDING_ANY */
    const char *override; /* what driver_override holds then, "" if it is not set */
};

/* The place that a driver asked for by name has: its own name, or DRIVER_NOBODY, stays in driver_override, so
 * that no other driver takes the function. */
struct binding binding_for(const char *driver);

/* `was`: who has to be there (vendor, device). ret_driver is what it has then, "" for none. ERROR_NOT_FOUND
 * if the function is gone, or another card is in its place. A named driver is loaded if it is missing. */
int bind_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                  struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err);

/* The same from a state that was read just now, and that nobody else can have changed since. */
int bind_function_from(struct worker *worker, struct pci_address address, const struct driver_state *now,
                       struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err);

/* The way back for a row of worker_begin: to where it was and with the reset methods it had; if that fails,
 * to where it was asked to be; a function that is gone is given up. Then the row is settled, and a few words
 * say where it is: "0000:01:00.0 is back with nvme". -1 if it could be brought to neither: the row stays
 * open, and the words say why. */
int bind_undo(struct worker *worker, const json_t *row, struct text *where);

/* The rows from the last to the first, the words joined by commas; -1 if one stays open. */
int bind_undo_all(struct worker *worker, const json_t *rows, struct text *where);

/* Logs what the kernel said of the device since kmsg_follow (hardware/kmsg.h). */
void bind_log_kernel(struct worker *worker, int kmsg, const char *id);

#endif
