/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down guessing. Whoever guesses wrong gets the answer late, and until then has one turn less; one
 * thread serves all who wait.
 *
 * An attempt at a password is counted before it is made, so that many at once are no faster than one after
 * the other:
 *  - of one user at one address none while the answer to a failure waits, and THROTTLE_TURNS at once before;
 *  - of one address THROTTLE_ADDRESS_TURNS at once, whoever the users are;
 *  - of one user THROTTLE_TURNS at once over all addresses, but those where this user logged in lately:
 * nobody who guesses elsewhere keeps the user from logging in there. Others wait for their turn, if there is
 * room for them. An address is the network of a peer (server/request/exchange.h): of IPv6 the first 64 bits,
 * because one client can have all the addresses of a network. On the local socket it is the peer's uid, and
 * the third limit does not count: nobody can lock out a user there from elsewhere.
 *
 * A wrong credential that nobody can guess, such as a token, is only answered late. */
#ifndef HOSTPCI_SERVER_REQUEST_THROTTLE_H
#define HOSTPCI_SERVER_REQUEST_THROTTLE_H

#include <stdbool.h>

#include "base/error.h"

struct throttle;

#define THROTTLE_TURNS         4
#define THROTTLE_ADDRESS_TURNS 8
#define THROTTLE_WAITING       64  /* for a turn: of one address, and of one user; or when one has failed: */
#define THROTTLE_AFTER_FAILURE 16  /* of one address, and of one user */
#define THROTTLE_PAIR          4   /* of one user at one address */
#define THROTTLE_LIMIT         512 /* in all, but those of the local socket */
#define THROTTLE_ADDRESS_LIMIT 16  /* answers to wrong credentials that wait at one address */

struct throttle_key {
    const char *network; /* of a struct peer */
    const char *user;    /* "": no password is tried */
    bool local;
};

typedef void throttle_call(void *argument);

int throttle_open(unsigned milliseconds, struct throttle **ret, struct error *err);
/* Calls all that still wait at once. Takes NULL. */
void throttle_close(struct throttle *throttle);

/* Before an attempt. THROTTLE_GO: it may be made now. THROTTLE_WAITS: later, when go_on(argument) is called
 * by that thread, or never, if refuse(argument) is. In both cases throttle_end must follow once it was made.
 * THROTTLE_FULL: too many wait already. The key is copied. */
enum throttle_turn { THROTTLE_GO, THROTTLE_WAITS, THROTTLE_FULL };
enum throttle_turn throttle_begin(struct throttle *throttle, const struct throttle_key *key,
                                  throttle_call *go_on, throttle_call *refuse, void *argument);

/* After it: calls answer(argument), late in that thread if the attempt failed, else now. So it does if no
 * attempt began with this argument. */
enum throttle_result { THROTTLE_FAILED, THROTTLE_PROVED, THROTTLE_NOT_TRIED };
void throttle_end(struct throttle *throttle, enum throttle_result result, throttle_call *answer,
                  void *argument);

/* Calls done(argument) in that thread when the time has come. False, and done() is never called, if as many
 * wait as may, in all or from this address. */
bool throttle_add(struct throttle *throttle, const struct throttle_key *key, throttle_call *done,
                  void *argument);

#endif
