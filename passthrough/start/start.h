/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting and stopping a VM, in tasks: the daemon's half. The broker's is in broker/worker/vm_start.c and
 * vm_stop.c.
 *
 * A start applies what is pending, checks what preflight checks, reserves the devices for this process, has
 * the broker start QEMU, and hands the reservations over to QEMU's process, with which they end. A failure
 * gives them back. The task's end has Proxmox VE's words where Proxmox has some; what preflight finds is
 * in the log, with what to do. */
#ifndef HOSTPCI_PASSTHROUGH_START_START_H
#define HOSTPCI_PASSTHROUGH_START_START_H

#include <jansson.h>
#include <stdbool.h>

#include "broker/probe/qemu.h"
#include "hardware/pci/watch.h"
#include "passthrough/command_line.h"
#include "task/task.h"

/* What it points to lives as long as the daemon. */
struct start_host {
    const char *node;
    struct storage *storage;
    const struct sysroot *sysroot;
    struct inventory_source *inventory;
    const struct broker *broker;
    struct qemu *qemu;
    struct tasks *tasks;
    const struct vm_paths *paths;
    const char *const *volume_dirs; /* passthrough/preflight/preflight.h */
};

struct start_options {
    bool skip_lock;
    long long timeout;   /* seconds; -1: as long as its memory and devices take */
    const char *machine; /* in place of the configuration's; NULL: that one */
    const char *cpu;     /* the same */
};

/* In the thread of a task. "VM 100 already running", and so on: the errors are the task's end. */
int start_run(const struct start_host *host, long long vmid, const struct start_options *options,
              struct task *task, struct error *err);

/* Begins a task of type qmstart that does so. */
int start_begin_task(const struct start_host *host, long long vmid, const char *user,
                     char upid[static UPID_SIZE], struct error *err);

/* Stops the VM, in the thread of a task: at once by force (QMP's quit), or with the power button, which fails
 * when the time is over unless `force`. A VM that does not run is stopped. */
struct stop_options {
    bool skip_lock, powerdown, force;
    long long timeout; /* seconds; -1: down= of the key startup, or 60 */
};
int start_stop(const struct start_host *host, long long vmid, const struct stop_options *options,
               struct task *task, struct error *err);

/* Presses the power button and, when the guest has powered off, begins a task of root@pam that starts the VM
 * with what is pending, unless somebody has stopped it in the meantime. The unfinished task is the only
 * record of this: start_resume goes on with it. `timeout` as for a stop. */
int start_reboot(const struct start_host *host, long long vmid, long long timeout, struct task *task,
                 struct error *err);

/* Whether start_resume is for tasks of that type: qmstart, qmstop, qmshutdown, qmreboot. */
bool start_is_resumed(const char *type);

/* Goes on with such a task of an earlier daemon, whose operation went on in the broker. */
int start_resume(const struct start_host *host, struct task *task, struct error *err);

/* How many seconds QEMU has to answer: 30, or one for each GiB of memory; with devices of the host four times
 * as long; at least 150 with huge pages; and 5 for each network card. */
long long start_find_timeout(const json_t *config);

#endif
