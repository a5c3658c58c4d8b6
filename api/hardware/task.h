/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that change a PCI function of this host: what they have in common. */
#ifndef HOSTPCI_API_HARDWARE_TASK_H
#define HOSTPCI_API_HARDWARE_TASK_H

#include "api/request.h"
#include "broker/operations.h"

/* Begins a task of a type in which the broker does `operation` on the function {pci-id-or-mapping}; *ret is
 * the task's UPID. The operation's other arguments are those parameters of the request that have their names.
 * Fails at once, without a task, if there is no such function (ERROR_NOT_FOUND) or no broker (ERROR_BUSY). */
int hardware_begin_task(struct request *request, const char *type, const struct operation *operation,
                        json_t **ret, struct error *err);

/* Copies the parameters of the request that the schema declares: the task has a thread of its own. */
void hardware_copy_arguments(const struct request *request, const struct schema *schema, json_t *arguments);

/* The same for the function `id`, which need not exist, with `arguments`, which it takes.
 */
int hardware_begin_task_on(struct request *request, const char *type, const char *id,
                           const struct operation *operation, json_t *arguments, json_t **ret,
                           struct error *err);

#endif
