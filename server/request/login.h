/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down the guessing of passwords at endpoints that try one (`login` in their declaration).
 *
 * Each attempt has to wait for its turn, by its user and its address (server/request/throttle.h), and the
 * answer to a failure is delayed; waiting does not occupy a thread. When too many wait, further attempts are
 * refused at once. Renewing a ticket does not try a password and needs no turn, so that somebody who guesses
 * cannot keep clients from it. */
#ifndef HOSTPCI_SERVER_REQUEST_LOGIN_H
#define HOSTPCI_SERVER_REQUEST_LOGIN_H

#include "server/request/exchange.h"

/* To be called before an attempt. If it must wait, *ret_waits is true: go_on(exchange) is called later, or
 * the exchange is resumed with a refusal. ERROR_BUSY if too many wait already. */
int login_wait_before(struct exchange *exchange, void (*go_on)(void *exchange), bool *ret_waits,
                      struct error *err);

/* To be called after the attempt. Calls answer(exchange), later if the attempt failed, else now. */
void login_wait_after(struct exchange *exchange, void (*answer)(void *exchange));

#endif
