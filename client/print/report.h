/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports: replies that say whether something works, and if it does not, why and what to do.
 *
 * Judgements and other labels are in the left margin, in colour on a terminal, with the text beside them:
 *
 *   BLOCKED   0000:01:00.0 NVIDIA Corporation GA104
 *             The summary.
 *   DETACHES  the functions that would be detached
 *   TASK      the task that works on it now
 *   WAITING   the step that the kernel has not finished
 *   RESET     when the last reset worked; or FAILED, and why it did not
 *   DRIVER    the driver that it had before, and the one that it gets whenever the broker starts
 *   HOSTPCI0  what a VM gets, and why it does not get the alternatives; DETACHES below each
 *
 *   ERROR     A check's message. [its-id]
 *             the evidence
 *       its remedy, line by line
 *
 *   OK        the ids of the checks that found nothing
 *
 *   Used by the host:
 *   CRITICAL  0000:01:00.0: what the host uses it for
 *
 * Text is wrapped to the width of the terminal. The lines of a remedy are never wrapped, and nothing but
 * REPORT_REMEDY_INDENT is added to them, so that they can be copied. Checks are in the order of the reply,
 * the worst first. */
#ifndef HOSTPCI_CLIENT_PRINT_REPORT_H
#define HOSTPCI_CLIENT_PRINT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"
#include "client/print/table.h"

#define REPORT_REMEDY_INDENT "    "

/* Whether a reply is a report: an object with a list `checks` of {id, severity, message}. */
bool report_matches(const json_t *reply);

/* Draws a report, and returns an object with the fields that were not drawn, which is a new reference. A
 * report without an id is about the host, or about a VM if it has the field `startable`; one without a
 * verdict is blocked if a check found an error. */
json_t *report_draw(const json_t *reply, const struct table_style *style, struct text *ret);

/* Draws one check's finding, with its action if it has one:
 *
 *   ACTION    PUT /nodes/pve1/hardware/pci/0000:01:00.0/driver driver=vfio-pci
 */
void report_draw_finding(const json_t *finding, const struct table_style *style, struct text *ret);

#endif
