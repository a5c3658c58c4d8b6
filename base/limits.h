/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of this process (getrlimit(2)). */
#ifndef HOSTPCI_BASE_LIMITS_H
#define HOSTPCI_BASE_LIMITS_H

/* For a long-running process that keeps secrets: allows as many open files as possible, and no core file,
 * which would contain passwords and keys. A program to which the kernel pipes cores is told this limit, too;
 * systemd-coredump respects it. */
void limits_prepare(void);

#endif
