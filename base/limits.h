/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel lets this process have (getrlimit(2)). */
#ifndef HOSTPCI_BASE_LIMITS_H
#define HOSTPCI_BASE_LIMITS_H

/* For a long-running process that keeps secrets: as many open files as it may have, and no core file, which
 * would hold passwords and keys. A program that the kernel pipes cores to is told the same limit; systemd's
 * heeds it. */
void limits_prepare(void);

#endif
