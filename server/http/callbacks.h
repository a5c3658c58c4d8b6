/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callbacks that libmicrohttpd is given: they collect a request, bounded, serve it and send its reply.
 *
 * The context of a connection (MHD_CONNECTION_INFO_SOCKET_CONTEXT) is its struct peer. */
#ifndef HOSTPCI_SERVER_HTTP_CALLBACKS_H
#define HOSTPCI_SERVER_HTTP_CALLBACKS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/request/exchange.h"

/* The argument of all of them. */
struct callback_source {
    struct server *server;
    atomic_uint *active; /* counts requests between their first line and the end of their reply */
};

/* MHD_OPTION_URI_LOG_CALLBACK: only it sees the URI as it was sent. Its result is the request's context. */
void *callback_begin(void *source, const char *uri, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback */
enum MHD_Result callback_handle(void *source, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *length,
                                void **context);

/* MHD_OPTION_NOTIFY_COMPLETED */
void callback_end(void *source, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code);

#endif
