/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to failed logins wait a while, so that guessing is slow; one thread holds all of them. */
#ifndef HOSTPCI_SERVER_DELAY_H
#define HOSTPCI_SERVER_DELAY_H

#include <stdbool.h>

#include "base/error.h"

struct delay;

#define DELAY_LIMIT         512 /* that wait at the same time */
#define DELAY_ADDRESS_LIMIT 16  /* of them, from one address */

int delay_open(unsigned milliseconds, struct delay **ret, struct error *err);
/* All that still wait are called now. Takes NULL. */
void delay_close(struct delay *delay);

/* Calls done(argument) in the thread when the time has come. `address` is copied. False if as many wait as
 * may, in all or from this address: then it is not called. */
bool delay_add(struct delay *delay, const char *address, void (*done)(void *argument), void *argument);

#endif
