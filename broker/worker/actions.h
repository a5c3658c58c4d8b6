/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operations do, each in a worker: the run functions of the table in broker/operations.c. Their
 * arguments are checked against the table's schema and have its defaults. */
#ifndef HOSTPCI_BROKER_WORKER_ACTIONS_H
#define HOSTPCI_BROKER_WORKER_ACTIONS_H

#include "broker/worker/worker.h"

/* {id, driver, scope, persistent?, force} */
operation_function broker_drive;

/* {id, force} */
operation_function broker_reset;

/* {id} */
operation_function broker_describe;

/* {} */
operation_function broker_describe_host;

/* {user, password}: an empty object, or ERROR_UNAUTHENTICATED. */
operation_function broker_pam;

/* {operation, touched, waits-for?, failed?}: brings back what an operation that was cut off left open.
 * `touched` are its open rows as worker_begin got them, in order of touching. `waits-for` {pid, start-time}
 * is the operation's worker that still lives: nothing is touched before it has ended. `failed` (1) is there
 * if a worker has told why the operation failed. The worker undoes; its error text says where everything is,
 * which is how the operation ends, after what it failed of or "interrupted". */
operation_function broker_recover;

#endif
