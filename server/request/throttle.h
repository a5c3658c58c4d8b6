/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down guessing: the answers to failed logins and wrong credentials wait a while. One thread serves all
 * of them.
 *
 * A failure is counted for an address and, if a password was tried, a user. Of an IPv6 address only the
 * network counts, its first 64 bits, because one client can have all the addresses of a network. */
#ifndef HOSTPCI_SERVER_REQUEST_THROTTLE_H
#define HOSTPCI_SERVER_REQUEST_THROTTLE_H

#include <stdbool.h>

#include "base/error.h"

struct throttle;

#define THROTTLE_LIMIT         512 /* answers that wait at the same time */
#define THROTTLE_ADDRESS_LIMIT 16  /* of these, from one address */

struct throttle_key {
    const char *address;
    const char *user; /* "": none */
};

int throttle_open(unsigned milliseconds, struct throttle **ret, struct error *err);
/* Calls all that still wait at once. Takes NULL. */
void throttle_close(struct throttle *throttle);

/* Calls done(argument) in that thread when the time has come. The key is copied. False, and done() is never
 * called, if as many wait as may, in all or from this address. */
bool throttle_add(struct throttle *throttle, const struct throttle_key *key, void (*done)(void *argument),
                  void *argument);
/* The same, however many wait. */
void throttle_add_always(struct throttle *throttle, const struct throttle_key *key,
                         void (*done)(void *argument), void *argument);

/* Whether answers wait that were refused to this user at this address, or so many at this address or in all
 * that everybody should be slow. */
bool throttle_is_slow(struct throttle *throttle, const struct throttle_key *key);

#endif
