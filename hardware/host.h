/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host itself: kernel, CPUs, memory, load. Source: proc(5). */
#ifndef HOSTPCI_HARDWARE_HOST_H
#define HOSTPCI_HARDWARE_HOST_H

#include <jansson.h>

#include "hardware/sysfs.h"

/* The properties of GET /nodes/{node}/status, except pveversion. What cannot be read is left out. */
int host_describe(const struct sysroot *sysroot, json_t **ret, struct error *err);

/* The release of the kernel, as `uname -r` prints it; a negative errno if unknown. */
int host_kernel_release(const struct sysroot *sysroot, char *buffer, size_t size);

/* "GenuineIntel", "AuthenticAMD"; "" if unknown. */
#define HOST_CPU_VENDOR_SIZE 16
void host_cpu_vendor(const struct sysroot *sysroot, char vendor[static HOST_CPU_VENDOR_SIZE]);

#endif
