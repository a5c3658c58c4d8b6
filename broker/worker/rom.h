/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back of operation rom: a line of the table in broker/worker/undo.c. */
#ifndef HOSTPCI_BROKER_WORKER_ROM_H
#define HOSTPCI_BROKER_WORKER_ROM_H

#include "base/text.h"
#include "broker/worker/worker.h"

/* Switches the ROM of a claim with `rom` off, and gives the function back the rest that it had. */
int rom_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
