/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that change a VM; qemu_begin_task (api/qemu/qemu.h) begins them. */
#ifndef HOSTPCI_API_QEMU_TASK_H
#define HOSTPCI_API_QEMU_TASK_H

#include "task/task.h"

/* For tasks_recover, with the struct service as its argument. How a VM's task ended is found out from the VM;
 * any other task is the broker's (broker_task_resume). */
task_function qemu_task_resume;

#endif
