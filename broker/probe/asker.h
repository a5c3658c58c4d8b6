/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that starts QEMU to query it, and how the daemon talks to that process; for broker/probe/qemu.c
 * alone.
 *
 * The daemon sends one byte, whose value does not matter. The answer is a header and `length` bytes: what
 * QEMU wrote or, if it failed, a message. Which binary is started, and with which arguments, was fixed before
 * the process was forked, and nothing that the daemon sends can change it. The process has no file open but
 * its end of the socket and the daemon's log, gains no privilege, and ends when the socket is closed. */
#ifndef HOSTPCI_BROKER_PROBE_ASKER_H
#define HOSTPCI_BROKER_PROBE_ASKER_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define QEMU_ASKER_SECONDS 20 /* which QEMU has to answer */

struct qemu_answer {
    uint32_t failed;
    uint32_t length; /* at most VM_FEATURES_LIMIT */
};

/* What the binary answers to all questions of vm/probe/features.h. `asker` is as in base/exec.h; -1: nobody.
 */
int qemu_ask(const char *binary, int asker, struct text *ret, struct error *err);

/* In the child; does not return. */
_Noreturn void qemu_asker_run(const char *binary, int socket);

#endif
