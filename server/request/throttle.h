/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to failed logins wait a while, so that guessing is slow; one thread holds all of them.
 *
 * Who fails is an address and, if a password was tried, a user. Of an IPv6 address the network counts: its
 * first 64 bits, behind which one client has all addresses. */
#ifndef HOSTPCI_SERVER_REQUEST_THROTTLE_H
#define HOSTPCI_SERVER_REQUEST_THROTTLE_H

#include <stdbool.h>

#include "base/error.h"

struct throttle;

#define THROTTLE_LIMIT         512 /* that wait at the same time */
#define THROTTLE_ADDRESS_LIMIT 16  /* of them, from one address */

struct throttle_key {
    const char *address;
    const char *user; /* "": none */
};

int throttle_open(unsigned milliseconds, struct throttle **ret, struct error *err);
/* All that still wait are called now. Takes NULL. */
void throttle_close(struct throttle *throttle);

/* Calls done(argument) in the thread when the time has come. The key is copied. False if as many wait as may,
 * in all or from this address: then it is not called. */
bool throttle_add(struct throttle *throttle, const struct throttle_key *key, void (*done)(void *argument),
                  void *argument);
/* The same, however many wait: for what was counted before. */
void throttle_add_always(struct throttle *throttle, const struct throttle_key *key,
                         void (*done)(void *argument), void *argument);

/* Whether this user has failed from this address, or anybody very often, so recently that answers wait. */
bool throttle_is_slow(struct throttle *throttle, const struct throttle_key *key);

#endif
