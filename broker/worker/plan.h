/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions an operation changes, and the wanted driver of each. */
#ifndef HOSTPCI_BROKER_WORKER_PLAN_H
#define HOSTPCI_BROKER_WORKER_PLAN_H

#include "broker/worker/bind.h"

enum scope {
    SCOPE_FUNCTION, /* the one that was named */
    SCOPE_DEVICE,   /* and the others of its slot, without virtual functions unless it is one itself */
    SCOPE_GROUP,    /* and the others of its IOMMU group */
    SCOPE_FAMILY,   /* and its virtual functions */
};

/* The driver that was asked for. */
struct driver_request {
    enum {
        DRIVER_NAMED,   /* the one of that name */
        DRIVER_VFIO,    /* the VFIO driver that fits best (hardware/bind/variant.h) */
        DRIVER_NONE,    /* the function stays without a driver */
        DRIVER_AUTO,    /* whichever the kernel chooses */
        DRIVER_RESTORE, /* what the function had before it was first changed */
    } kind;
    const char *name; /* as it was requested: perhaps "vfio", "none", "auto", "restore" */
};

struct plan_function {
    const struct pci_device *device; /* of the plan's inventory */
    char id[PCI_ADDRESS_SIZE];
    struct driver_state was;
    char driver[DRIVER_NAME_SIZE];   /* wanted; see struct binding */
    char override[DRIVER_NAME_SIZE]; /* wanted */
    bool loses_driver;               /* the driver that it has */
    bool variant;                    /* the wanted one is a variant driver: if it refuses, VFIO_PLAIN is */
};

struct plan {
    struct inventory *inventory;
    struct plan_function *list; /* the one that was named is the first */
    size_t count;
};

/* The functions of a scope, without bridges. ERROR_NOT_FOUND if there is no such function, ERROR_FAILED if it
 * is a bridge. */
int plan_choose(const struct sysroot *sysroot, struct pci_address address, enum scope scope, struct plan *ret,
                struct error *err);
/* The functions that are named, each once; the same errors. */
int plan_choose_list(const struct sysroot *sysroot, const struct pci_address *addresses, size_t count,
                     struct plan *ret, struct error *err);
void plan_release(struct plan *plan);
#define autoplan __attribute__((cleanup(plan_release)))

/* The claims of all functions for worker_claim: with or without what each has and is to have. A new
 * reference. */
json_t *plan_pack_claims(const struct plan *plan, bool whole);

/* Claims the functions: first not `whole`, so that nobody else changes them while plan_read reads what they
 * have. */
int plan_claim(struct worker *worker, const struct plan *plan, bool whole, struct error *err);

/* Reads what each has, and wants the same until plan_want says otherwise. */
int plan_read(struct worker *worker, struct plan *plan, struct error *err);

/* Sets the wanted driver of each function, as the request means it for that function. */
int plan_want(struct worker *worker, struct plan *plan, struct driver_request driver, struct error *err);

/* Calls `act` for each function: for those of one IOMMU group one after the other, for those of different
 * groups side by side, each group in a thread of its own, so that a slow device keeps nobody waiting. If it
 * fails for one, no further function is begun, and those that have begun are waited for. */
typedef int plan_action(struct worker *worker, struct plan *plan, struct plan_function *function,
                        struct error *err);
int plan_each(struct worker *worker, struct plan *plan, plan_action *act, struct error *err);

/* Moves each to where it is wanted, by bind_function_from and plan_each, and says so in the log. One that a
 * variant driver refuses gets VFIO_PLAIN instead. Whatever was moved before one failed is still to be undone.
 */
int plan_move(struct worker *worker, struct plan *plan, struct error *err);

/* Ends all claims before anything was changed. */
void plan_release_claims(struct worker *worker, const struct plan *plan);

#endif
