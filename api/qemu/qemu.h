/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of /nodes/{node}/qemu share. */
#ifndef HOSTPCI_API_QEMU_QEMU_H
#define HOSTPCI_API_QEMU_QEMU_H

#include "api/endpoints.h"
#include "api/request.h"
#include "vm/config/config.h"

#define PARAMETER_VMID                                                                                       \
    {.name = "vmid",                                                                                         \
     .type = SCHEMA_INTEGER,                                                                                 \
     .format = "pve-vmid",                                                                                   \
     .range = RANGE(VM_ID_MIN, VM_ID_MAX),                                                                   \
     .text = "Number of the VM."}

#define QEMU_PASSWORD "cipassword" /* a change that sets it has to hash it */

/* What a handler, and the task that continues after the reply, know about the request. */
struct qemu_call {
    struct service *service;
    struct identity caller;
    json_t *params;
};

long long qemu_vmid(const struct qemu_call *call);

/* Begins a task of that type, which runs `run` with a copy of the request; *ret is its UPID. */
int qemu_begin_task(struct request *request, const char *type,
                    int (*run)(const struct qemu_call *call, struct task *task, struct error *err),
                    json_t **ret, struct error *err);

/* The change that the parameters ask for: the VM's keys among them, with aliases resolved, and the lists
 * `delete` and `revert`. A password among the parameters becomes its hash. It points into itself and must not
 * be copied. ERROR_INVALID if it names a
 * volume that nobody may name (vm/disk.h). */
struct qemu_change {
    struct vm_change change;
    struct vm_fresh fresh;
    json_t *set;
    char **remove, **revert;
};
int qemu_change_read(const struct qemu_call *call, struct qemu_change *ret, struct error *err);
void qemu_change_release(struct qemu_change *change);
#define autoqemuchange __attribute__((cleanup(qemu_change_release)))

/* Whether the caller may make the change: has the privilege of each key that it touches, for the old values
 * as well as for the new, and may use the mappings, bridges and volumes in them. `document` is NULL for a new
 * VM. Errors are Proxmox's, ERROR_FORBIDDEN or ERROR_FAILED. */
int qemu_check_change(const struct qemu_call *call, const json_t *document, const struct qemu_change *change,
                      struct error *err);

/* The part of that check for which the keys are enough: their privileges on /vms/{vmid}. */
int qemu_check_keys(const struct qemu_call *call, const struct qemu_change *change, struct error *err);

#endif
