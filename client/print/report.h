/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports: replies that say whether something works, and if not why and what to do.
 *
 * Words that judge stand in the left margin, in their colour on a terminal, with the text beside them:
 *
 *   BLOCKED   0000:01:00.0 NVIDIA Corporation GA104
 *             The summary.
 *   DETACHES  what would be taken from its driver
 *   TASK      what works on it now
 *   WAITING   where the kernel does not return
 *   RESET     when the last one worked; or FAILED, why it did not
 *   DRIVER    what it had before, and has at each start
 *   HOSTPCI0  what a VM gets, and for which alternatives it does not; DETACHES below each
 *
 *   ERROR     A check's message. [its-id]
 *             the evidence
 *       its remedy, line by line
 *
 *   OK        the ids of the checks that found nothing
 *
 *   Used by the host:
 *   CRITICAL  0000:01:00.0: what for
 *
 * Text is wrapped to the terminal; a remedy's lines never are, and nothing but REPORT_REMEDY_INDENT is added
 * to them, so that they can be copied. Checks keep the order of the reply: the worst first. */
#ifndef HOSTPCI_CLIENT_PRINT_REPORT_H
#define HOSTPCI_CLIENT_PRINT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"
#include "client/print/table.h"

#define REPORT_REMEDY_INDENT "    "

/* Whether a reply is one: an object with a list `checks` of {id, severity, message}. */
bool report_fits(const json_t *reply);

/* Draws a reply that fits, and gives an object of the fields that were not drawn: a new reference. One
 * without an id is about the host, or the VM that is `startable` or not; one without a verdict is blocked if
 * a check found an error. */
json_t *report_draw(const json_t *reply, const struct table_style *style, struct text *ret);

#endif
