/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker as a process: a child of the broker, made by fork(2), with a socket to it. */
#ifndef HOSTPCI_BROKER_DAEMON_SPAWN_H
#define HOSTPCI_BROKER_DAEMON_SPAWN_H

#include <sys/types.h>

#include "broker/operations.h"
#include "hardware/sysfs.h"

/* What each worker works on. */
struct worker_host {
    const struct sysroot *sysroot;
    int helper;                     /* the socket to it; -1: none */
    const char *rom_dir;            /* the folder of the romfiles */
    const char *run_dir;            /* machines are below it */
    const char *qemu;               /* the binary */
    const char *const *volume_dirs; /* a VM gets the files below these alone; ends with NULL */
    const char *store;              /* the folder of the storage `local` */
    uid_t uid_base;                 /* the first of the VMs' users */
};

struct worker_process {
    pid_t pid;  /* 0: there is none */
    int pidfd;  /* readable when the process has ended */
    int socket; /* to the worker, does not block; -1: the worker has closed its end */
};

/* Starts a process that does `run` once it gets the message `start` (broker/protocol.h). Of the broker's
 * descriptors it has the sysroot's, the socket to the helper and its own socket alone. `id` is "" for an
 * operation that only reads. */
int spawn_worker(const struct worker_host *host, operation_function *run, const char *id, json_t *arguments,
                 struct worker_process *ret, struct error *err);

/* Ends and collects a worker that was never sent `start`: it has done nothing and waits, so that this does
 * not block. */
void spawn_discard(struct worker_process *worker);

#endif
