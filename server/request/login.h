/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down the guessing of passwords at endpoints that try one (`login` in their declaration).
 *
 * The answer to a failure waits. Until it is sent, further attempts for the same user from the same address,
 * or for any user from an address with many failures, wait equally long before they are made, so that many
 * connections are no faster than one. Waiting takes no thread. When too many wait, further attempts are
 * refused at once. */
#ifndef HOSTPCI_SERVER_REQUEST_LOGIN_H
#define HOSTPCI_SERVER_REQUEST_LOGIN_H

#include "server/request/exchange.h"

/* Called before an attempt. If it must wait, *ret_waits is true, and go_on(exchange) is called later.
 * ERROR_BUSY if too many wait already. */
int login_wait_before(struct exchange *exchange, void (*go_on)(void *exchange), bool *ret_waits,
                      struct error *err);

/* Called after the attempt. Calls answer(exchange), later if the attempt failed, else now. */
void login_wait_after(struct exchange *exchange, void (*answer)(void *exchange));

#endif
