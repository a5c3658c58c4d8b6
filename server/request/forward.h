/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request whose path names another node of the cluster: that node gets it with the caller's own credential,
 * after the permission was checked here, and its reply is ours.
 *
 * Root on the local socket has no credential, so a ticket of root@pam that is good for 30 s goes with it. A
 * request that has been forwarded once is never forwarded again. Files, consoles and streams are not
 * forwarded. Calls have threads of their own, of which one node gets half at most, so that a node that does
 * not answer delays nobody else. */
#ifndef HOSTPCI_SERVER_REQUEST_FORWARD_H
#define HOSTPCI_SERVER_REQUEST_FORWARD_H

#include "server/request/exchange.h"

/* Sets exchange->target if `params` name another node that is known; ERROR_NO_HOST or another error if the
 * request can be answered neither here nor there. */
int forward_find(struct exchange *exchange, const struct endpoint *endpoint, const json_t *params,
                 struct error *err);

/* Answers an exchange with a target: pauses it, and resumes it with the reply. */
void forward_serve(struct exchange *exchange);

#endif
