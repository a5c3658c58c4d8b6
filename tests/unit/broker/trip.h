/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of faults and kills do again and again: an operation on the card of two functions, and the
 * check that each of them is where it was or where it was asked to be. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_TRIP_H
#define HOSTPCI_TESTS_UNIT_BROKER_TRIP_H

#include "tests/unit/broker/stage.h"

struct place_of {
    const char *driver, *override;
};

struct trip {
    const char *operation, *arguments;
    struct place_of from[2], to[2]; /* of SCREEN, SOUND */
    bool restores;                  /* it has to be known what they had */
};

extern const struct trip trips[];
extern const size_t trip_count;

/* Brings all to where the trip begins. */
void trip_prepare(const struct trip *trip, struct stage *stage);

/* Whatever happened to it. `what` is for the message. */
void trip_expect_end(const struct trip *trip, const struct stage *stage, const char *what);

/* Whether more is to be tried than there is time for in each `make check`: HOSTPCI_ALL_FAULTS is set. */
bool trip_wants_all(void);

#endif
