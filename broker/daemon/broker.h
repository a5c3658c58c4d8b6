/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci broker`: the half that may change the machine. It does exactly the operations listed in
 * broker/operations.c and knows nothing of HTTP, users or configuration.
 *
 * One process without threads waits in poll(2) for clients, workers, signals; it owns the journal. Each
 * operation runs in a worker (broker/worker/worker.h), a child made by fork(2) that does the reading and
 * writing: if the kernel never returns from a write, that worker waits and nobody else. A worker that is
 * silent for BROKER_PATIENCE_SECONDS after it announced a step is reported in its operation's log and in
 * `state` until the kernel returns. A worker that dies is followed by one that brings every function of its
 * journal back.
 *
 * At start the journal is replayed: what an earlier broker left unfinished in this boot is brought back to
 * where it was (if that fails, to where it was asked to be), what is of an earlier boot is history; then the
 * persistent choices are applied, as operations of their own ("boot:ID"), never by force.
 *
 * For tests: with HOSTPCI_BROKER_STOP_AT=N in its environment the broker stops itself (SIGSTOP) when the N-th
 * step since its start is in the journal and not done yet. */
#ifndef HOSTPCI_BROKER_DAEMON_BROKER_H
#define HOSTPCI_BROKER_DAEMON_BROKER_H

#include "base/error.h"

#define BROKER_PATIENCE_SECONDS 10
#define BROKER_WORKERS          128 /* at once; more are refused as ERROR_BUSY */

/* hostpci broker [--run-dir DIR] [--broker-dir DIR] [--user NAME] [--sysroot DIR]; argv[0] is "broker".
 * Listens on RUN_DIR/broker.sock; who may ask: root, the user it runs as, and --user (default hostpci, or
 * nobody where there is no such user, as `hostpci serve` runs as). With sysroot / it must be root. SIGTERM:
 * takes nothing new, waits up to 10 s for what runs, ends. Ready when the socket is there, and by sd_notify.
 */
int broker_main(int argc, char **argv);

#endif
