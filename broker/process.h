/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes of this machine, as /proc shows them. A pid alone does not identify a process, since another one
 * may get the same number later; a pid and the time it started do. Source: proc(5). */
#ifndef HOSTPCI_BROKER_PROCESS_H
#define HOSTPCI_BROKER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* When the process started, in clock ticks since the boot; false if there is none, or if it has ended and
 * waits for its parent. */
bool process_start_time(pid_t pid, unsigned long long *ret);

struct process {
    pid_t pid; /* 0: none */
    unsigned long long start;
};

/* Whether it runs. */
bool process_runs(struct process process);

/* A descriptor that is readable when the process has ended; -1 if it has. */
int process_watch(struct process process);

/* As process_start_time, from the content of /proc/PID/stat, which is modified. */
bool process_parse_start(char *stat, unsigned long long *ret);

/* The file below `folder` (absolute) that the process opened last: the one it is at when the kernel holds it.
 * False if there is none. Never blocks, whatever the process does. */
bool process_open_file(pid_t pid, const char *folder, char *ret, size_t size);

#define PROCESS_BOOT_SIZE 64

/* What this boot of the machine is called; "" if the kernel does not say. */
void process_read_boot(char ret[static PROCESS_BOOT_SIZE]);

#endif
