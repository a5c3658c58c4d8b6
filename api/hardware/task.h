/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that change a PCI function of this host: all are begun alike. */
#ifndef HOSTPCI_API_HARDWARE_TASK_H
#define HOSTPCI_API_HARDWARE_TASK_H

#include "api/request.h"

/* Lets the broker do `operation` on the function {pci-id-or-mapping}, in a task of that type whose UPID is
 * *ret. The operation gets those `parameters` (ends with NULL) of the request that were sent, and the whole
 * id. Errors at once, without a task: no such function (ERROR_NOT_FOUND), no broker
 * (ERROR_BUSY). */
int hardware_begin_task(struct request *request, const char *type, const char *operation,
                        const char *const *parameters, json_t **ret, struct error *err);

/* What such an endpoint returns. */
#define RETURNS_UPID                                                                                         \
    {                                                                                                        \
        .type = SCHEMA_STRING, .format = "pve-task-upid",                                                    \
        .text = "UPID of the task, whose log and end are below /nodes/{node}/tasks."                         \
    }

#endif
