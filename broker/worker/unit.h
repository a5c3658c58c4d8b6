/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that cannot run where the broker runs, because they mount, write to /boot and /etc, or end the
 * host: those of broker/program.h.
 *
 * Where systemd manages the host, each runs in a unit of its own, started by systemd-run(1): no program
 * inherits the broker's filter, mounts or capabilities. The unit is of type oneshot and its output is a pipe
 * of ours, opened by its path in /proc: for that systemd-run talks to systemd itself, by a Unix socket; with
 * --wait and --pipe it would need a D-Bus daemon as well. Elsewhere broker/daemon/helper.h runs it, a process
 * that was forked before the broker confined itself and that takes nothing but the orders below. */
#ifndef HOSTPCI_BROKER_WORKER_UNIT_H
#define HOSTPCI_BROKER_WORKER_UNIT_H

#include "broker/program.h"
#include "broker/worker/worker.h"

/* Runs a program to its end, as a step on `id` (worker_step); each line that it writes goes to the
 * operation's log. The step is announced again every few seconds, whatever the program says, so that it
 * is not taken for a kernel that does not answer, and can be stopped on request. -1 if it is not installed,
 * did not work, took too long, or was stopped. With a sysroot other than / it is not started, which the log
 * says, and the result is 0.
 *
 * What an earlier worker left running of the same program (and function) is ended first. */
int unit_run(struct worker *worker, const char *id, enum program which, const char *argument,
             struct error *err);

/* What a worker sends the helper in one packet, with two descriptors: where the program's output goes, and
 * where its status of waitpid(2) does, an int. If the worker closes its end of the latter, the program is
 * ended. */
struct unit_order {
    unsigned program;
    char argument[PROGRAM_ARGUMENT_SIZE]; /* "": none */
};

#endif
