/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A remedy: the lines to type that make a finding go away and, if one call of the API does the same, that
 * call, for programs. What is written as a call is printed as a line from the same words.
 *
 * A call's path begins with REMEDY_NODE, as whoever types it does on the host itself; replies have the node's
 * name there instead (api/checks.h). */
#ifndef HOSTPCI_HARDWARE_CHECK_REMEDY_H
#define HOSTPCI_HARDWARE_CHECK_REMEDY_H

#include <jansson.h>

#include "base/text.h"

#define REMEDY_NODE "/nodes/localhost"

struct remedy {
    struct text lines; /* each ends with a line feed; empty: nothing to do */
    json_t *action;    /* {method, path, parameters}; NULL: no call does it */
};
void remedy_release(struct remedy *remedy);

/* Adds the line `hostpci VERB PATH --NAME VALUE...`, where VERB is get, create, set or delete. If it is the
 * first line to type, the call is the remedy's action: if there are several calls, each makes another finding
 * go away, and what comes after a line that is no call is another way, or would not help alone. The
 * parameters are taken, and printed in their order; the path is made as by printf. */
void remedy_add_call(struct remedy *remedy, const char *verb, json_t *parameters, const char *path, ...)
    __attribute__((format(printf, 4, 5)));

/* The same without the line, before other lines are added that do what the call does. */
void remedy_offer_call(struct remedy *remedy, const char *verb, json_t *parameters, const char *path, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds the last line of a change that only the next boot makes effective. If it is the only line, the call
 * that reboots is the action.
 */
void remedy_add_reboot(struct remedy *remedy);

#endif
