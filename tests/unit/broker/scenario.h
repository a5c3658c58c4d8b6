/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on a card of two functions and on one that is divided, for the tests that let each access fail
 * or kill a process at each step, and the check that each function is where it was or where it was asked to
 * be. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_SCENARIO_H
#define HOSTPCI_TESTS_UNIT_BROKER_SCENARIO_H

#include "tests/unit/broker/testbed.h"

struct binding {
    const char *driver, *override;
};

/* How NETWORK is divided. */
struct division {
    unsigned count;
    bool autoprobe;
    struct binding first; /* of its first virtual function */
    unsigned queues[2];   /* of a drive: of both virtual functions; 0: there are none */
    unsigned vlans[2];    /* of a card, in the same way */
};

struct scenario {
    const char *operation, *arguments;
    struct binding from[2], to[2];  /* of SCREEN, SOUND */
    struct binding instead[2];      /* where a driver that fails may leave them, too; none: nowhere else */
    bool restores;                  /* the broker has to know what they had before */
    bool fits;                      /* the driver `other` has ids for both */
    bool divides;                   /* it is about NETWORK, and the others stay as they are */
    struct division whole, divided; /* where that begins, and where it is asked to be */
    bool drive;                     /* NETWORK is an NVMe drive instead */
    bool card;                      /* it has settings of its virtual functions */
    const char *takes_over, *kept;  /* a line of sysfs.conf, and the fact that is there instead; or NULL */
    bool starts;                    /* a VM, with both and DISK, whose QEMU cannot be started in the end */
    enum { VARIANT_NONE, VARIANT_WORKS, VARIANT_REFUSES } variant; /* a VFIO driver made for SCREEN */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* Brings both functions to where the scenario begins. */
void scenario_prepare(const struct scenario *scenario, struct testbed *testbed);

/* Checks both functions, whatever happened. `what` is for the message. */
void scenario_expect_end(const struct scenario *scenario, struct testbed *testbed, const char *what);

/* Whether to try more than there is time for in each `make check`: HOSTPCI_ALL_FAULTS is set. */
bool scenario_wants_all(void);

#endif
