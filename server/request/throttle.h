/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down guessing. The answer to a wrong guess is delayed, and until it is sent it occupies a turn; one
 * thread serves all that wait.
 *
 * An attempt at a password is counted before it is made, so that many parallel attempts are no faster than
 * sequential ones. At the same time there may be:
 *  - for one user at one address THROTTLE_TURNS attempts, and none while the answer to a failure waits;
 *  - for one address THROTTLE_ADDRESS_TURNS attempts, whoever the users are;
 *  - for one user THROTTLE_TURNS attempts from all addresses together, except for those where this user has
 *    logged in lately: somebody who guesses elsewhere cannot keep the user from logging in there.
 * Further attempts wait for their turn, if there is room for them. An address is the network of a peer
 * (server/request/exchange.h): for IPv6 the first 64 bits, because one client can have all the addresses of a
 * network. On the local socket it is the peer's uid, and the third limit does not apply: nobody can lock out
 * a user there from elsewhere.
 *
 * A wrong credential that cannot be guessed anyway, such as a token, is only answered late. */
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

/* To be called before an attempt. THROTTLE_GO: it may be made now. THROTTLE_WAITS: it may be made when the
 * thread calls go_on(argument), or never if it calls refuse(argument) instead. In both cases call
 * throttle_end after the attempt. THROTTLE_FULL: too many wait already. The key is copied. */
enum throttle_turn { THROTTLE_GO, THROTTLE_WAITS, THROTTLE_FULL };
enum throttle_turn throttle_begin(struct throttle *throttle, const struct throttle_key *key,
                                  throttle_call *go_on, throttle_call *refuse, void *argument);

/* To be called after the attempt: calls answer(argument), late and in the thread if the attempt failed, else
 * now, as also if no attempt began with this argument. */
enum throttle_result { THROTTLE_FAILED, THROTTLE_PROVED, THROTTLE_NOT_TRIED };
void throttle_end(struct throttle *throttle, enum throttle_result result, throttle_call *answer,
                  void *argument);

/* Calls done(argument) in the thread when the delay is over. False, and done() is never called, if too many
 * wait already, in all or from this address. */
bool throttle_add(struct throttle *throttle, const struct throttle_key *key, throttle_call *done,
                  void *argument);

#endif
