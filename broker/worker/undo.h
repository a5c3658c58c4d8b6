/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back of what an operation changed, from its claims (broker/protocol.h): taken by the operation
 * itself when a step fails, and by operation recover after a worker died. */
#ifndef HOSTPCI_BROKER_WORKER_UNDO_H
#define HOSTPCI_BROKER_WORKER_UNDO_H

#include "base/text.h"
#include "broker/worker/worker.h"

/* Brings what these claims name back, kind by kind, and of a kind from the last to the first: each to what
 * was there before or, if that fails, to what was wanted. Then its claim ends; that of a function that is
 * gone ends, too. `where` gets a few words about each, joined by commas: "0000:01:00.0 is back with nvme".
 * -1 if one could be brought to neither: its claim stays, as do those of later kinds, and the words say why.
 *
 * What a claim holds says which kind of change it is: a table in undo.c has a line for each. The kind's
 * function appends what comes after the function's id to `where`, and releases the claim unless it returns
 * -1. A claim that holds no change was made before anything was changed. */
int undo_claims(struct worker *worker, const json_t *claims, struct text *where);

#endif
