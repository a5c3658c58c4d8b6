/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding one function to a driver, from whatever it has: every operation that moves drivers consists of
 * this, and so does the way back. It reads the current state and does only what is missing, so that it can be
 * repeated after any interruption. Each access that may block is announced by worker_step. */
#ifndef HOSTPCI_BROKER_WORKER_BIND_H
#define HOSTPCI_BROKER_WORKER_BIND_H

#include "base/text.h"
#include "broker/worker/worker.h"
#include "hardware/pci/inventory.h"

#define BINDING_ANY  "*" /* whichever driver the kernel chooses, or none if it has none */

#define BIND_REFUSED (-2) /* the function is there, but the named driver is missing or did not take it */

struct binding {
    const char *driver;   /* a name, "" for none, BINDING_ANY */
    const char *override; /* what driver_override holds in the end, "" if it is not set */
};

/* A driver that was requested by name stays in driver_override, and for none ("") DRIVER_NOBODY does, so that
 * no other driver takes the function. */
struct binding binding_for(const char *driver);

/* Brings the function to a binding, if it is still the device (vendor, device) of `was`; ERROR_NOT_FOUND if
 * not. A named driver is loaded if it is missing. 1: something was changed; 0: nothing had to be; -1 or
 * BIND_REFUSED: it failed. ret_driver is what the function has then, "" for none. */
int bind_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                  struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err);

/* The same from a state that was read just now, and that nobody else can have changed since. */
int bind_function_from(struct worker *worker, struct pci_address address, const struct driver_state *now,
                       struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err);

/* Undoes a claim of a driver (broker/worker/undo.h): back to what the function had, with its reset methods.
 */
int bind_undo(struct worker *worker, const json_t *claim, struct text *where);

/* Logs what the kernel has said about the device since kmsg_follow (hardware/kmsg.h). */
void bind_log_kernel(struct worker *worker, int kmsg, const char *id);

#endif
