/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the QEMU of this host can do: it is asked once, and again when the binary is another one.
 *
 * The asking is done by a small process of its own, which qemu_open forks and which does nothing else, so
 * that the daemon itself may not start programs. It ends when the daemon does. */
#ifndef HOSTPCI_BROKER_PROBE_QEMU_H
#define HOSTPCI_BROKER_PROBE_QEMU_H

#include "base/error.h"
#include "vm/probe/features.h"

struct qemu;

#define QEMU_BINARY "/usr/bin/qemu-system-x86_64"

/* Before there are threads, and before the process gives up starting programs. `binary` must outlive it. */
int qemu_open(const char *binary, struct qemu **ret, struct error *err);
void qemu_close(struct qemu *qemu); /* takes NULL */

const char *qemu_binary(const struct qemu *qemu);

/* Thread-safe. What is given stays valid until qemu_close. ERROR_FAILED if there is no such binary (the
 * message names the package), or if it does not answer as QEMU does within 20 s. */
int qemu_features(struct qemu *qemu, const struct vm_features **ret, struct error *err);

#endif
