/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of faults and kills do again and again: an operation on the card of two functions, and the
 * check that each of them is where it was or where it was asked to be. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_SCENARIO_H
#define HOSTPCI_TESTS_UNIT_BROKER_SCENARIO_H

#include "tests/unit/broker/testbed.h"

struct binding {
    const char *driver, *override;
};

struct scenario {
    const char *operation, *arguments;
    struct binding from[2], to[2]; /* of SCREEN, SOUND */
    bool restores;                 /* it has to be known what they had */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* Brings all to where the scenario begins. */
void scenario_prepare(const struct scenario *scenario, struct testbed *testbed);

/* Whatever happened to it. `what` is for the message. */
void scenario_expect_end(const struct scenario *scenario, const struct testbed *testbed, const char *what);

/* Whether more is to be tried than there is time for in each `make check`: HOSTPCI_ALL_FAULTS is set. */
bool scenario_wants_all(void);

#endif
