/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of /nodes/{node}/qemu share. */
#ifndef HOSTPCI_API_QEMU_QEMU_H
#define HOSTPCI_API_QEMU_QEMU_H

#include "api/endpoints.h"
#include "api/request.h"
#include "vm/config/config.h"

#define PARAMETER_VMID                                                                                       \
    {                                                                                                        \
        .name = "vmid", .type = SCHEMA_INTEGER, .format = "pve-vmid", .range = RANGE(VM_ID_MIN, VM_ID_MAX),  \
        .text = "Number of the VM."                                                                          \
    }

/* A request that outlives its reply, for what a task does. */
struct qemu_job {
    struct service *service;
    struct identity caller;
    json_t *params;
};

/* Runs `run` with the job in a task of that type, whose UPID is *ret. */
int qemu_begin_task(struct request *request, const char *type,
                    int (*run)(const struct qemu_job *job, struct task *task, struct error *err),
                    json_t **ret, struct error *err);

/* The VM's keys among the parameters, `delete` and `revert`; aliases resolved, lists split. Points into
 * itself and is not copied; released with qemu_change_release. ERROR_INVALID: a volume that nobody may name
 * (api/qemu/volume.h). */
struct qemu_change {
    struct vm_change change;
    struct vm_fresh fresh;
    json_t *set;
    char **remove, **revert;
};
int qemu_change_read(const struct qemu_job *job, struct qemu_change *ret, struct error *err);
void qemu_change_release(struct qemu_change *change);
#define autoqemuchange __attribute__((cleanup(qemu_change_release)))

/* Whether the caller may make the change: the privilege of each key that it touches (the old values count
 * too), mappings, bridges, and the volumes that may be named. `document`: NULL for a new VM. Errors are
 * Proxmox's, ERROR_FORBIDDEN or ERROR_FAILED. */
int qemu_check_change(const struct qemu_job *job, const json_t *document, const struct qemu_change *change,
                      struct error *err);

/* The part of it that needs no values: the privileges on /vms/{vmid} of the keys that it touches. */
int qemu_check_keys(const struct qemu_job *job, const struct qemu_change *change, struct error *err);

#endif
