/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions an operation takes in hand, and where each is to be. */
#ifndef HOSTPCI_BROKER_WORKER_PLAN_H
#define HOSTPCI_BROKER_WORKER_PLAN_H

#include "broker/worker/bind.h"

struct plan_function {
    const struct pci_device *device; /* of the plan's inventory */
    char id[PCI_ADDRESS_SIZE];
    struct driver_state was;
    char driver[DRIVER_NAME_SIZE];   /* wanted; see struct binding */
    char override[DRIVER_NAME_SIZE]; /* wanted */
    bool loses;                      /* the driver that it has */
};

struct plan {
    struct inventory *inventory;
    struct plan_function *list; /* the one that was named is the first */
    size_t count;
};

/* `scope`: function, device (all of its slot; not the virtual functions if it is none) or group (all of its
 * IOMMU group); bridges are left out. ERROR_NOT_FOUND if there is no such function, ERROR_FAILED if it is a
 * bridge. */
int plan_choose(const struct sysroot *sysroot, struct pci_address address, const char *scope,
                struct plan *ret, struct error *err);
void plan_release(struct plan *plan);
#define autoplan __attribute__((cleanup(plan_release)))

/* Takes the functions in hand (worker_begin): without what they have, so that nobody else moves them while
 * that is read; then, `read`, with it and with what is wanted. */
int plan_take(struct worker *worker, const struct plan *plan, bool read, struct error *err);

/* What each has; the same is wanted until plan_want says otherwise. */
int plan_read(struct worker *worker, struct plan *plan, struct error *err);

/* What the driver asked for means for each: a name, none, auto, restore. */
int plan_want(struct worker *worker, struct plan *plan, const char *driver, struct error *err);

/* The rows of worker_begin, whole or without what each has. A new reference. */
json_t *plan_rows(const struct plan *plan, bool read);

/* Settles all of them before anything was changed. */
void plan_let_go(struct worker *worker, const struct plan *plan);

#endif
