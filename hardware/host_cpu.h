/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPUs of the host, from the text of /proc/cpuinfo. Pure: no file is read. Source: show_cpuinfo() in
 * arch/x86/kernel/cpu/proc.c of the Linux kernel; other architectures have fewer lines. */
#ifndef HOSTPCI_HARDWARE_HOST_CPU_H
#define HOSTPCI_HARDWARE_HOST_CPU_H

#include <jansson.h>

/* {model, vendor, family, mhz, flags, hvm, user_hz, cpus, cores, sockets}; NULL if the text has no CPU.
 * The text is modified. The first five are strings about the first CPU, "" if they are missing. hvm is "1"
 * with VMX or SVM, else "0"; user_hz is the unit of CPU times. cpus counts threads; that, cores and sockets
 * are of the whole host. */
json_t *host_cpu_describe(char *text);

#endif
