/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The undo of a claim of D3cold (broker/worker/undo.h), which has the members "d3cold", what it was, and
 * "wanted-d3cold". */
#ifndef HOSTPCI_BROKER_WORKER_D3COLD_H
#define HOSTPCI_BROKER_WORKER_D3COLD_H

#include "base/text.h"
#include "broker/worker/worker.h"

int d3cold_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
