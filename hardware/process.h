/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process uses, from files that anybody may read. Sources: proc(5);
 * Documentation/admin-guide/cgroup-v2.rst and Documentation/accounting/psi.rst of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PROCESS_H
#define HOSTPCI_HARDWARE_PROCESS_H

#include <stdbool.h>

#include "hardware/sysfs.h"

struct process_usage {
    long long cpu;    /* milliseconds of all its threads, including the guest's */
    long long memory; /* bytes that it has in memory */
    long long uptime; /* seconds since it was started */
};

/* A negative errno if the process is gone or hidden. */
int process_read_usage(const struct sysroot *sysroot, int process, struct process_usage *ret);

/* From the text of /proc/PID/stat; `uptime` is when the process started, in seconds after the host's start.
 */
bool process_parse_usage(const char *stat, struct process_usage *ret);

/* What the control group of a process uses; -1 where the kernel does not tell. */
struct group_usage {
    long long memory;             /* bytes, with the page cache */
    long long read, written;      /* bytes, of all disks */
    double cpu[2], io[2], ram[2]; /* pressure, "some" and "full": percent of the last 10 s */
};

/* False unless the process is in a group of that name ("hostpci-vm@100.service"), since any other would have
 * other processes in it. */
bool process_read_group(const struct sysroot *sysroot, int process, const char *name,
                        struct group_usage *ret);

/* The path of the group in the text of /proc/PID/cgroup; NULL if it has none. The text is modified. */
char *process_parse_group(char *text);

/* The sum of a key ("rbytes") over the lines of a text such as io.stat. */
long long process_sum_key(const char *text, const char *key);

/* The avg10 of the line that begins with the word ("some"), from a text such as cpu.pressure; -1 if there is
 * none. */
double process_parse_pressure(const char *text, const char *word);

#endif
