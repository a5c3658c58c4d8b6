/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mediated device and the file of mdevctl that keeps it, or one vGPU of NVIDIA's own interface: from what
 * there is to what is wanted. It is what the operations on them are made of, and also the way back. It reads
 * what is there and does only what is missing, so that it can be repeated after any interruption. */
#ifndef HOSTPCI_BROKER_WORKER_MDEV_STATE_H
#define HOSTPCI_BROKER_WORKER_MDEV_STATE_H

#include "base/text.h"
#include "broker/worker/worker.h"
#include "hardware/slice/mdev.h"

struct mdev_target {
    struct worker *worker;
    struct pci_address parent;
    char id[PCI_ADDRESS_SIZE]; /* of the parent */
    struct driver_state ids;   /* of the parent: vendor and device alone */
    char uuid[UUID_SIZE]; /* "": the parent itself is, or becomes, a vGPU through NVIDIA's own interface */
};

struct mdev_state {
    char type[MDEV_TYPE_SIZE]; /* "": it does not exist at this parent */
    char *file;                /* of mdevctl, its text; NULL: none, as always without a UUID */
};
void mdev_state_release(struct mdev_state *state);
#define automdevstate __attribute__((cleanup(mdev_state_release)))

/* ERROR_NOT_FOUND if another device than that of `ids` is there. */
int mdev_state_read(const struct mdev_target *target, struct mdev_state *ret, struct error *err);

/* Brings it to the wanted state. A device that is created gets the attributes that the wanted file lists, and
 * as long as it exists there is a fact that we made it (FACT_MADE of broker/protocol.h). 1: something was
 * changed; 0: nothing had to be. */
int mdev_state_reach(const struct mdev_target *target, const struct mdev_state *wanted, struct error *err);

/* What it is, for messages: "the mediated device UUID" or "the vGPU". To be freed. */
char *mdev_target_name(const struct mdev_target *target);

/* The member of a claim that holds this change (broker/protocol.h), and the way back from such a claim
 * (broker/worker/undo.h). */
#define MDEV_CLAIM "mdev"
json_t *mdev_pack_change(const struct mdev_target *target, const struct mdev_state *was,
                         const struct mdev_state *wanted);
int mdev_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
