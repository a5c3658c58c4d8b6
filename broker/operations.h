/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the broker. It can be asked to do what is in broker/operations.def, and nothing else.
 *
 * An operation NAME is declared once, beside the function that does it: `operation_NAME` and the list of its
 * arguments, `operation_NAME_arguments`. An endpoint that has the broker do the operation continues its
 * parameters with the same list; the broker checks the arguments against it again, since it does not trust
 * the daemon. */
#ifndef HOSTPCI_BROKER_OPERATIONS_H
#define HOSTPCI_BROKER_OPERATIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "schema/endpoint.h"

struct worker;

typedef int operation_function(struct worker *worker, json_t **ret, struct error *err);

struct operation {
    const char *name; /* in requests and in the journal, which outlives this version of the broker */
    const char *text; /* one sentence */
    const struct schema *arguments;
    bool changes;      /* needs an id, is journalled, goes on when the front hangs up */
    unsigned patience; /* seconds after which a reading is given up; 0: never */
    const char *turn; /* an argument: for each of its values one at a time (broker/daemon/turns.h); or NULL */
    operation_function *run; /* in a worker, with checked arguments; NULL: the broker answers by itself */
};

#define OPERATION(name)                                                                                      \
    extern const struct operation operation_##name;                                                          \
    extern const struct schema operation_##name##_arguments[];
#include "broker/operations.def"
#undef OPERATION

/* Clients cannot ask for this one: the broker runs it after a worker that left functions half-way. Its
 * arguments are in broker/worker/recover.c. */
extern const struct operation operation_recover;

/* The first argument of an operation on one function. An endpoint has it in its path, and its parameters go
 * on with the second: {.name = NULL, .more = operation_NAME_arguments + 1}. */
#define ARGUMENT_FUNCTION {.name = "id", .type = SCHEMA_STRING, .format = "pci-id", .text = "The function."}

/* Settings of virtual functions: the keys of a vfN (hardware/slice/vf_link.h), which the reply of an endpoint
 * has, too. */
#define VF_SETTINGS_LIMIT 256
extern const struct schema vf_setting_keys[];
#define ARGUMENT_VF_SETTINGS                                                                                 \
    {.name = "vf[n]",                                                                                        \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .property_string = vf_setting_keys,                                                                     \
     .count = VF_SETTINGS_LIMIT,                                                                             \
     .text =                                                                                                 \
         "Settings of the virtual function of that index: mac to link-state for network cards, queues and "  \
         "interrupts for NVMe drives, for which they are made only together with the virtual functions."}

#define READING_PATIENCE 10 /* seconds; a host of thousands of devices is read in one */

/* NULL if there is no operation of that name that clients can ask for. */
const struct operation *operation_find(const char *name);

/* Checks `arguments`, an object, against the operation's schema and fills in the defaults. */
int operation_check(const struct operation *operation, json_t *arguments, struct error *err);

#endif
