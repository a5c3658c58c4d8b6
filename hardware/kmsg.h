/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log from now on. If a driver does not bind or a reset fails, this is the only place where the
 * kernel says why. Source: Documentation/ABI/testing/dev-kmsg of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_KMSG_H
#define HOSTPCI_HARDWARE_KMSG_H

#include "base/text.h"
#include "hardware/sysfs.h"

/* A descriptor at the end of the log, or a negative errno if we may not read it. */
int kmsg_follow(const struct sysroot *sysroot);

/* Appends the lines since the last call that contain `word`, at most `most` of them, each without its prefix
 * and with a newline. Does nothing if `fd` is negative. */
void kmsg_read_about(int fd, const char *word, size_t most, struct text *ret);

#endif
