/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callbacks that libmicrohttpd calls for each request: they collect it, serve it and send its reply. */
#ifndef HOSTPCI_SERVER_HTTP_CALLBACKS_H
#define HOSTPCI_SERVER_HTTP_CALLBACKS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/http/connections.h"
#include "server/http/consoles.h"
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
 * libmicrohttpd must not be stopped while a connection is suspended. So `answering` counts the requests whose
 * connection may be: a request is counted before it looks at `stopping`, and until its reply is handed over.
 * Once `answering` has been 0 while `stopping` was true, no connection is or will be suspended. */
struct callback_source {
    struct server *server;
    struct consoles *consoles;
    atomic_bool stopping; /* new requests are refused */
    atomic_uint answering;
    atomic_uint replying; /* replies that are handed over, but not sent yet */
};

/* MHD_OPTION_URI_LOG_CALLBACK, the only one that gets the URI as it was sent. Returns the request's context.
 */
void *callback_begin(void *source, const char *uri, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback */
enum MHD_Result callback_handle(void *source, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *length,
                                void **context);

/* MHD_OPTION_NOTIFY_COMPLETED */
void callback_end(void *source, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code);

#endif
