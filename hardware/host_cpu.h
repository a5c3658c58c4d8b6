/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs of the host, from the text of /proc/cpuinfo. Pure: no file is read. Source: show_cpuinfo() in
 * arch/x86/kernel/cpu/proc.c of the Linux kernel; other architectures tell less. */
#ifndef HOSTPCI_HARDWARE_HOST_CPU_H
#define HOSTPCI_HARDWARE_HOST_CPU_H

#include <jansson.h>

/* {model, vendor, family, mhz, flags, hvm, user_hz, cpus, cores, sockets}; `text` is cut up. The first five
 * are texts, of the first CPU, "" if not told; hvm is "1" or "0" (VMX or SVM), user_hz the unit of CPU times,
 * cpus counts threads, cores and sockets are of the whole host. NULL if there is no CPU in the text. */
json_t *host_cpu_describe(char *text);

#endif
