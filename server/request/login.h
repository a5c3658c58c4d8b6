/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints that try a password (`login` of their declaration): how guessing is slowed down.
 *
 * The answer to a failure waits. Until it was given, further attempts with the same user from the same
 * address, or with any user from an address with many failures, wait as long before they are looked at: no
 * thread waits, and many connections are no faster than one. Who has as many waiting as may is told to come
 * again. */
#ifndef HOSTPCI_SERVER_REQUEST_LOGIN_H
#define HOSTPCI_SERVER_REQUEST_LOGIN_H

#include "server/request/exchange.h"

/* Before an attempt. *ret_waits: it waits now, and go_on(exchange) is called later. ERROR_BUSY if it may not
 * even wait. */
int login_wait_before(struct exchange *exchange, void (*go_on)(void *exchange), bool *ret_waits,
                      struct error *err);

/* Calls answer(exchange): later if the attempt failed, else now. */
void login_wait_after(struct exchange *exchange, void (*answer)(void *exchange));

#endif
