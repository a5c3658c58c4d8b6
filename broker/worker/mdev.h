/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations on mediated devices and vGPUs share: mdev.c has those that a client asks for,
 * mdev_start.c those of the broker's start. */
#ifndef HOSTPCI_BROKER_WORKER_MDEV_H
#define HOSTPCI_BROKER_WORKER_MDEV_H

#include "broker/worker/mdev_state.h"
#include "broker/worker/plan.h"

#define FACT_VGPU "vgpu" /* of a function: the type that it becomes at each start (broker/daemon/kept.c) */

struct mdev_request {
    struct mdev_target target;
    const char *type;
    enum { PERSISTENT_AS_BEFORE, PERSISTENT_NO, PERSISTENT_YES } persistent;
    bool keep;
};

/* From the worker's arguments. */
int mdev_parse(struct worker *worker, struct mdev_request *ret, struct error *err);

/* Claims the parent, of which nothing is changed yet; `device` is NULL if it is not there. */
int mdev_claim(struct mdev_target *target, const struct pci_device *device, struct error *err);

/* What there is, and what there is to be when one of that type is created; refuses what cannot be. */
int mdev_prepare_create(const struct mdev_request *request, const struct plan *plan, struct mdev_state *was,
                        struct mdev_state *wanted, struct error *err);

/* ERROR_FAILED if somebody has it open, since the kernel would block until it is closed. */
int mdev_check_unused(const struct mdev_target *target, const struct inventory *inventory, struct error *err);

/* Brings it from `was` to `wanted`. On failure it is undone, and its claim ends; *ret_left: it could not be
 * undone, and the claim stays for the broker, which tries again when the worker has ended. */
int mdev_change(const struct mdev_target *target, const struct pci_device *device,
                const struct mdev_state *was, const struct mdev_state *wanted, bool *ret_left,
                struct error *err);

#endif
