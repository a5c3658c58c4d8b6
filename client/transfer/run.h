/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the calls of an intake. */
#ifndef HOSTPCI_CLIENT_TRANSFER_RUN_H
#define HOSTPCI_CLIENT_TRANSFER_RUN_H

#include "client/transfer/intake.h"

/* Stage by stage. If a call of a stage fails, or the user interrupts it, those that were made in this stage
 * are undone, and nothing more is done; the stages before it stay. (If this process is killed, nobody undoes
 * them; the same import, run again, makes the rest.) Says what is done, and the secrets of new tokens, on
 * standard output. Returns the exit status. */
int run_intake(const struct call_target *target, const struct intake *intake);

#endif
