/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is asking: the local socket's peer, or the holder of an API token. */
#ifndef HOSTPCI_SERVER_AUTHENTICATE_H
#define HOSTPCI_SERVER_AUTHENTICATE_H

#include "access/access.h"
#include "server/exchange.h"

/* The credential in an Authorization header "PVEAPIToken=user@realm!id=secret" ('=' or a blank after the
 * name), percent-decoded, which the caller frees; NULL if there is none of that kind. */
char *authenticate_find_token(const char *authorization);

/* A token counts before the peer. ERROR_UNAUTHENTICATED "No ticket" if there is nothing to go by; a wrong
 * token: access_authenticate_token's error. */
int authenticate(const struct exchange *exchange, struct identity *ret, struct error *err);

#endif
