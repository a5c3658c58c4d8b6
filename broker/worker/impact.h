/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The impact of a plan: what the host loses by it, in the operation's log line by line before anything is
 * changed, and whether it may be done.
 *
 * It refuses, with the evidence: what the host uses, unless forced; always, what it cannot run without (the
 * root file system), and a vfio driver for a function that is in no IOMMU group. A bridge never gets this
 * far: plan_choose() refuses it. */
#ifndef HOSTPCI_BROKER_WORKER_IMPACT_H
#define HOSTPCI_BROKER_WORKER_IMPACT_H

#include "broker/worker/plan.h"

enum force {
    FORCE_NEVER, /* the operation cannot be forced */
    FORCE_ASKED, /* it can be forced, but was not */
    FORCED,
};

/* `verb` says what happens to the functions that lose something: "taken from its driver", "reset". */
int impact_check(struct worker *worker, const struct plan *plan, const char *verb, enum force force,
                 struct error *err);

/* Logs which functions of the IOMMU group keep drivers of the host, if a vfio driver is to get one. */
void impact_warn_of_others(struct worker *worker, const struct plan *plan);

#endif
