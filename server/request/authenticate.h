/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is asking: the holder of a ticket or an API token, or the local socket's peer. */
#ifndef HOSTPCI_SERVER_REQUEST_AUTHENTICATE_H
#define HOSTPCI_SERVER_REQUEST_AUTHENTICATE_H

#include "access/access.h"
#include "server/request/exchange.h"

/* What the request shows counts before the peer. ERROR_UNAUTHENTICATED "No ticket" if there is nothing to go
 * by; otherwise the errors of access_authenticate_ticket and access_authenticate_token. */
int authenticate_caller(const struct exchange *exchange, struct identity *ret, struct error *err);

/* Whether it is a ticket or a token that was shown, as server/request/credential.h tells. */
bool authenticate_by_token(const struct exchange *exchange);
bool authenticate_by_something(const struct exchange *exchange);

#endif
