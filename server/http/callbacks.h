/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callbacks that libmicrohttpd calls for each request: they collect it, serve it and send its reply. */
#ifndef HOSTPCI_SERVER_HTTP_CALLBACKS_H
#define HOSTPCI_SERVER_HTTP_CALLBACKS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/http/connections.h"
#include "server/http/redirect.h"
#include "server/request/exchange.h"

/* The context of a connection: MHD_CONNECTION_INFO_SOCKET_CONTEXT. */
struct http_connection {
    struct connection place;
    struct peer peer;
    struct redirect redirect;
    bool unread; /* a reply was sent before the request was read to its end: see lingering_close.h */
};

/* The argument of all callbacks.
 *
 * libmicrohttpd must not be stopped while a connection is suspended. So `answering` counts the requests that
 * may be: from before the look at `stopping` until the reply is handed over. Once `stopping` is true and
 * `answering` has been 0, no connection is suspended, nor will one be. */
struct callback_source {
    struct server *server;
    atomic_bool stopping; /* no request is answered any more */
    atomic_uint answering;
    atomic_uint replying; /* replies that were handed over and are not sent yet */
};

/* MHD_OPTION_URI_LOG_CALLBACK, the only one that gets the URI as it was sent. Gives the request's context. */
void *callback_begin(void *source, const char *uri, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback */
enum MHD_Result callback_handle(void *source, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *length,
                                void **context);

/* MHD_OPTION_NOTIFY_COMPLETED */
void callback_end(void *source, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code);

#endif
