/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes of this machine, by /proc: a pid alone does not tell one from another that got the same number
 * later, a pid and the time it started do. Source: proc(5). */
#ifndef HOSTPCI_BROKER_PROCESS_H
#define HOSTPCI_BROKER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* When it started, in clock ticks since the boot; false if there is none, or only what is left for its parent
 * to collect. */
bool process_start_time(pid_t pid, unsigned long long *ret);

/* The same of what /proc/PID/stat held, which is changed. */
bool process_parse_start(char *stat, unsigned long long *ret);

/* The file that it opened last of those below `folder` (absolute): where it is in the kernel, if that does
 * not return. False if there is none. Does not wait for the process. */
bool process_open_file(pid_t pid, const char *folder, char *ret, size_t size);

#endif
