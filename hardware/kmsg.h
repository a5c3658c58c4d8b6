/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says from now on: of a driver that did not take a function, or of a reset that failed, its
 * log alone tells why. Source: Documentation/ABI/testing/dev-kmsg of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_KMSG_H
#define HOSTPCI_HARDWARE_KMSG_H

#include "base/text.h"
#include "hardware/sysfs.h"

/* A descriptor at the end of the log; a negative errno where it may not be read. */
int kmsg_follow(const struct sysroot *sysroot);

/* The lines that came since the last call and have `word` in them, without their prefixes, each with a line
 * end; at most `most` of them. Nothing if `fd` is negative. */
void kmsg_read_about(int fd, const char *word, size_t most, struct text *ret);

#endif
