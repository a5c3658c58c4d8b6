/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM inside the lab's machine that holds a device: QEMU with `-device vfio-pci`, one at a time. */
#ifndef HOSTPCI_TESTS_API_LAB_VM_H
#define HOSTPCI_TESTS_API_LAB_VM_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts it with a function that vfio-pci has, and waits until it holds it. When the host wants the function
 * back the VM's system gives it up at once if it is `obliging`; else the VM keeps it until its end. */
void vm_start(const char *id, bool obliging);

bool vm_holds(void); /* a vfio device is open */
pid_t vm_pid(void);

/* Ends it as a power cut would; nothing if there is none. */
void vm_end(void);

#endif
