/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: the protocol by which a running QEMU is told what to do. A client of one connection, for one thread.
 * Source: docs/interop/qmp-spec.rst of QEMU.
 *
 * QEMU may be under a guest's control, so it is not trusted: what it sends is bounded, and it is waited for
 * only until a deadline. */
#ifndef HOSTPCI_VM_QMP_QMP_H
#define HOSTPCI_VM_QMP_QMP_H

#include <jansson.h>

#include "base/error.h"

#define QMP_LINE_LIMIT ((size_t)1 << 20) /* bytes of one message */

struct qmp;

/* Connects to a socket of a QEMU, of whatever protocol, and returns the descriptor. One that does not take up
 * connections keeps the next one waiting: no longer than this, then ERROR_BUSY. ERROR_NOT_FOUND if nobody
 * listens there. */
int qmp_connect(const char *path, unsigned milliseconds, struct error *err);

/* Connects to the socket of a QEMU and agrees on capabilities, within so many milliseconds. ERROR_NOT_FOUND
 * if nobody listens there. */
int qmp_open(const char *path, unsigned milliseconds, struct qmp **ret, struct error *err);

/* The same with a connected socket, which it takes. */
int qmp_adopt(int socket, unsigned milliseconds, struct qmp **ret, struct error *err);
void qmp_close(struct qmp *qmp); /* takes NULL */
void cleanup_qmp(struct qmp **qmp);
#define autoqmp __attribute__((cleanup(cleanup_qmp)))

/* Has one command executed. Takes `arguments`, which may be NULL. *ret is what it returned, which the caller
 * drops; ret may be NULL. ERROR_FAILED with QEMU's own words if it refuses; ERROR_BUSY if it does not answer
 * in time, after which the connection is of no use. */
int qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, unsigned milliseconds, json_t **ret,
                struct error *err);

/* The descriptor, which stays the caller's, goes with the next command: add-fd. */
void qmp_pass(struct qmp *qmp, int descriptor);

/* Waits for an event of that name. ERROR_BUSY if none came in time; ERROR_NOT_FOUND if QEMU closed the
 * connection. Events that come while a command is executed are kept, the last 64 of them. */
int qmp_wait(struct qmp *qmp, const char *event, unsigned milliseconds, struct error *err);

#endif
