/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that the broker does: the task follows an operation of the broker, whose id is the task's UPID. */
#ifndef HOSTPCI_PASSTHROUGH_BROKER_TASK_H
#define HOSTPCI_PASSTHROUGH_BROKER_TASK_H

#include <jansson.h>

#include "broker/call.h"
#include "broker/operations.h"
#include "task/task.h"

struct broker_task {
    const char *type; /* of the task: "pcidriver", "pcireset" */
    const char *id;   /* of the task: the PCI id */
    const char *user; /* USER@REALM or USER@REALM!TOKEN */
    const struct operation *operation;
    json_t *arguments; /* of the operation; taken */
};

/* ERROR_BUSY at once, without a task, if there is no broker. `done` (may be NULL) is called with `context`
 * after the operation has ended and before the task ends: to read the inventory again, for example.
 */
int broker_task_begin(struct tasks *tasks, const struct broker *broker, const struct broker_task *what,
                      int (*done)(void *context, struct error *err), void *context,
                      char upid[static UPID_SIZE], struct error *err);

/* For tasks_recover, with the broker as its argument: follows the operation to its end, or fails with an
 * error that says that it was never begun. */
task_function broker_task_resume;

/* Asks the task and its operation to stop. */
int broker_task_stop(struct tasks *tasks, const struct broker *broker, const char *upid, struct error *err);

#endif
