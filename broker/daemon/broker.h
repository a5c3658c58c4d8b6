/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci broker`: the half that may change the machine. It does exactly the operations listed in
 * broker/operations.def and knows nothing of HTTP, users or configuration.
 *
 * One process without threads waits in poll(2) for clients and workers, and owns the journal. Each operation
 * runs in a worker (broker/worker/worker.h), a child made by fork(2) that does the reading and writing: if
 * the kernel never returns from a write, that worker waits and nobody else. A worker that is silent for 10
 * seconds is reported in its operation's log and in `state` until the kernel returns. A worker that dies is
 * followed by one that brings back every function that the operation had claimed.
 *
 * At start the journal is read: what an earlier broker left unfinished in this boot is brought back to where
 * it was (if that fails, to where it was asked to be); what is of an earlier boot is history. Then what
 * was asked for `persistent` is applied, as operations of their own ("boot:ID"), never by force.
 *
 * The files of this folder, each of which knows only those before it: loop (descriptors and timers), journal
 * (what outlives the broker) and spawn (a worker's process); job (an operation that runs, and its states),
 * job_messages (what its worker says) and job_run (from state to state); kept, state and client, who ask
 * for jobs. Beside them stands the helper, a process that runs programs which the broker's confinement would
 * stop. Nothing calls upwards but by the callbacks that broker.c, which joins them all, hands down. */
#ifndef HOSTPCI_BROKER_DAEMON_BROKER_H
#define HOSTPCI_BROKER_DAEMON_BROKER_H

/* hostpci broker [--run-dir DIR] [--broker-dir DIR] [--user NAME] [--sysroot DIR]; argv[0] is "broker".
 * Listens on RUN_DIR/broker.sock and answers root, the user it runs as, and --user (default hostpci, or
 * nobody where there is no such user, as `hostpci serve` runs as). With --sysroot / it must be root. On
 * SIGTERM it takes nothing new, waits up to 10 s for what runs, and ends. It is ready when the socket is
 * there, which it also tells the service manager. */
int broker_main(int argc, char **argv);

/* The broker stops itself (SIGSTOP) when so many steps since its start are in the journal, the last of them
 * not done yet; 0: never. Only tests define another one than that (tests/stop_at.c). */
long broker_stop_at(void);

#endif
