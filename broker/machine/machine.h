/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine: a VM's QEMU on this host, as the broker knows it: by a folder, RUN_DIR/vm/VMID, which is there
 * from before QEMU starts until everything that the VM had is given back. A reboot removes it, or leaves
 * one that is `past`: nothing in it exists any more.
 *
 *   machine   the record, written before the start: {vmid, uid?, boot, functions: [CLAIM],
 *             mediated: [...], hostpci: {KEY: ...}, left?}
 *   order     what is to be started (broker/machine/supervisor.h)
 *   pid       {supervisor, supervisor-start, pid?, start?, began?}, written by the supervisor before it
 *             starts QEMU, and again when it has
 *   state     {qmpstatus, running-qemu, running-machine}, written by the supervisor at every change
 *   end       how QEMU ended, written by the supervisor
 *   100.qmp   the socket of QEMU's monitor, and beside it those of its serial ports and guest agent
 *
 * uid: QEMU's user and group; absent: the broker's own, which is not root then. functions: what each had
 * before, with `reattach` if it goes back to that; mediated: those that were created for the VM
 * (broker/worker/vm_devices.h). hostpci: which of these each hostpciN has; they come and go while it runs.
 * left: QEMU has ended, and what is still listed could not be given back, for this reason; it is tried again
 * (broker/daemon/machines.h).
 *
 * The folder is root's; QEMU's user may only enter it. */
#ifndef HOSTPCI_BROKER_MACHINE_MACHINE_H
#define HOSTPCI_BROKER_MACHINE_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "broker/process.h"

#define MACHINE_UID_BASE  1900000000 /* by default; the user of a VM is this plus a number */
#define MACHINE_UID_COUNT 65536

struct machine {
    char *folder;
    long long vmid;
    json_t *record;                  /* NULL: it does not exist or cannot be read */
    struct process qemu, supervisor; /* pid 0: not started yet */
    bool past;                       /* of an earlier boot */
};

/* RUN_DIR/vm/VMID, or a file in it. The caller frees. */
char *machine_path(const char *run_dir, long long vmid, const char *file);

/* Makes the folder and its record, with a user from `base` on that neither another machine nor /etc/passwd
 * has, unless this process is not root.
 * ERROR_CONFLICT "VM 100 already running" if there is one. Takes the record. */
int machine_make(const char *run_dir, uid_t base, long long vmid, json_t *record, struct machine *ret,
                 struct error *err);

/* ERROR_NOT_FOUND "VM 100 not running" if there is none. */
int machine_find(const char *run_dir, long long vmid, struct machine *ret, struct error *err);
void machine_release(struct machine *machine);
#define automachine __attribute__((cleanup(machine_release)))

/* Replaces a file of the folder with this JSON. */
int machine_save(const char *folder, const char *file, const json_t *content, struct error *err);

/* The content of a file in the folder; NULL if it does not exist or cannot be read. The caller drops. */
json_t *machine_load(const char *folder, const char *file);

/* The VMIDs of all machines of this run folder, an array in order. */
json_t *machine_list(const char *run_dir);

/* Asks the supervisor to end QEMU: SIGTERM or SIGKILL. Does nothing if there is none. */
void machine_signal(const struct machine *machine, int signal);

/* What its supervisor wrote about QEMU's end, as a sentence without a full stop: "QEMU exited with code 1".
 * The caller frees. *ret_lines is what QEMU said last, an array, or NULL; the caller drops. */
char *machine_describe_end(const struct machine *machine, json_t **ret_lines);

/* Removes the folder, if it is there. */
int machine_remove(const struct machine *machine, struct error *err);

#endif
