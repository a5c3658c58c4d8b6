/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persistent driver choices: which driver a function gets whenever the broker starts. */
#ifndef HOSTPCI_BROKER_DAEMON_CHOICES_H
#define HOSTPCI_BROKER_DAEMON_CHOICES_H

#include "broker/daemon/job.h"

/* The choices that are still to be applied, {function: body of the fact}. */
int choices_read(struct journal *journal, json_t **ret, struct error *err);

/* Starts an operation ("boot:FUNCTION") for each choice whose function no other operation has claimed, and
 * removes it from `choices`; a choice that cannot be applied is removed, too, and logged. The others wait:
 * call this again when an operation has ended. */
void choices_apply(json_t *choices, struct jobs *jobs);

#endif
