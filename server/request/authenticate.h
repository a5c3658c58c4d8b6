/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out who sends a request: the holder of a ticket or of an API token, or the peer of the local socket.
 */
#ifndef HOSTPCI_SERVER_REQUEST_AUTHENTICATE_H
#define HOSTPCI_SERVER_REQUEST_AUTHENTICATE_H

#include "access/access.h"
#include "server/request/exchange.h"

/* A credential in the request takes precedence; without one, the peer of the local socket is the caller. A
 * change with a ticket needs its CSRF token; `endpoint`, which is NULL while it is unknown, may take a file
 * without (as Proxmox VE does), but not from a page of another server.
 * Errors: ERROR_UNAUTHENTICATED "No ticket" if there is neither; else those of access_authenticate_ticket and
 * access_authenticate_token. */
int authenticate_caller(const struct exchange *exchange, const struct endpoint *endpoint,
                        struct identity *ret, struct error *err);

/* Whether the request has an API token, or any credential at all; neither need be valid. */
bool authenticate_is_by_token(const struct exchange *exchange);
bool authenticate_is_tried(const struct exchange *exchange);

#endif
