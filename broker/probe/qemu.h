/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the QEMU of this host can do. It is asked once, and again when the binary or its
 * modules have changed.
 *
 * A small process, which qemu_open forks and which does nothing else, starts QEMU and asks it, so that the
 * daemon itself need not be allowed to start programs. It ends when the daemon does. */
#ifndef HOSTPCI_BROKER_PROBE_QEMU_H
#define HOSTPCI_BROKER_PROBE_QEMU_H

#include <stdbool.h>

#include "base/error.h"
#include "vm/probe/features.h"

struct qemu;

#define QEMU_BINARY   "/usr/bin/qemu-system-x86_64"
#define QEMU_FIRMWARE "/usr/share/OVMF"

/* Called before there are threads, and before the process gives up starting programs. `binary` must outlive
 * what is returned. */
int qemu_open(const char *binary, struct qemu **ret, struct error *err);
void qemu_close(struct qemu *qemu); /* takes NULL */

const char *qemu_binary(const struct qemu *qemu);

/* Thread-safe. *ret stays valid until qemu_close. ERROR_FAILED if there is no such binary (the message names
 * the package), or if it does not answer as QEMU does within 20 s. */
int qemu_features(struct qemu *qemu, const struct vm_features **ret, struct error *err);

/* Whether the folder has no firmware of 2 MiB: Debian 13's package ovmf has only the one of 4 MiB. */
bool qemu_firmware_is_4m(const char *folder);

#endif
