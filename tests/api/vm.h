/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual machines for tests, and the tasks that change them. */
#ifndef HOSTPCI_TESTS_API_VM_H
#define HOSTPCI_TESTS_API_VM_H

#include <jansson.h>

#include "tests/api/daemon.h"

#define QEMU "/nodes/" NODE "/qemu"

/* POST /nodes/{node}/qemu with VMID and more parameters (name, value, ..., NULL), waited for, which must end
 * well. */
void vm_create(const char *vmid, ...) __attribute__((sentinel));

/* As if it had been started: from now on its process (VM_PROCESS) has the device 0000:01:00.0, on the
 * daemon's made host. The daemon is started anew. */
#define VM_PROCESS 4321
void vm_run(long long vmid);

/* Makes VM 100 and a token of root that may first not, and then, read what lies there: it calls from now on.
 */
void vm_needs_audit(const char *path);

/* How the task ended ("OK"), and its log in lines; both live until the daemon is stopped. */
const char *vm_task_end(const char *upid);
const json_t *vm_task_log(const char *upid);

#endif
