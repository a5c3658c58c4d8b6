/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends replies through libmicrohttpd, with their headers and reason phrases.
 *
 * libmicrohttpd has no call to choose a reason phrase. But it gets the phrase from its own exported functions
 * MHD_get_reason_phrase_len_for and MHD_get_reason_phrase_for (in this order, through the PLT; 0.9.75), and
 * this module defines functions of these names, which take precedence since they are in the executable.
 * response_check_phrases tells whether that works with the libmicrohttpd that is installed. */
#ifndef HOSTPCI_SERVER_HTTP_RESPONSE_H
#define HOSTPCI_SERVER_HTTP_RESPONSE_H

#include <stdbool.h>

#include "server/request/exchange.h"

/* Queues the reply that the exchange has. To be called in the connection's thread. `origin` (may be NULL) is
 * the origin whose pages may read the reply; with `last` the connection ends after it. 0 or -1. */
int response_queue(struct exchange *exchange, const char *origin, bool last);

/* Sends a request to a Unix socket where this server answers, and tells whether the reason phrase of the
 * reply is ours; true also if this process may not connect to it. */
bool response_check_phrases(const char *socket_path);

#endif
