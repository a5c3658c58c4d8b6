/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log, a page at a time, for those who want to read it. (What the checks look for in it is in
 * hardware/check/log.c.) */
#ifndef HOSTPCI_HARDWARE_FACTS_PAGE_H
#define HOSTPCI_HARDWARE_FACTS_PAGE_H

#include <jansson.h>

#include "hardware/sysfs.h"

#define LOG_PAGE_BYTES ((size_t)48 * 1024) /* of text: fits into one message of the broker */

/* {total, lines: [string]}: how many lines there are since the boot, and those from number `start` (of the
 * first: 0) on, at most `limit` of them and LOG_PAGE_BYTES, but one at least if there is one. Without
 * prefixes, and cut at 1000 bytes. ERROR_FAILED if we may not read the log. */
int log_read_page(const struct sysroot *sysroot, size_t start, size_t limit, json_t **ret, struct error *err);

#endif
