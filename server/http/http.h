/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server: a daemon of libmicrohttpd for each socket, with its own threads and epoll. It collects
 * requests and sends replies; server/request/exchange.h is what happens between the two.
 *
 * Whatever a client can make large is bounded: the number of header lines, the size of the request line with
 * the headers, the size of the body (REQUEST_BODY_LIMIT), the time for each of these, and the connections of
 * a socket, of which one network gets at most a quarter (server/http/connections.h). */
#ifndef HOSTPCI_SERVER_HTTP_HTTP_H
#define HOSTPCI_SERVER_HTTP_HTTP_H

#include "server/http/tls.h"
#include "server/request/exchange.h"

#define HTTP_CONNECTION_LIMIT 1024
#define HTTP_HEADER_LIMIT     64   /* lines */
#define HTTP_HEAD_LIMIT       8192 /* bytes of request line and headers */

struct http;

int http_new(struct server *server, unsigned threads, struct http **ret, struct error *err);

/* Starts to answer on a listening socket, and takes ownership of it, even on failure. `tls` is NULL for plain
 * HTTP, and must outlive the server otherwise. `local` says that it is the Unix socket. */
int http_answer(struct http *http, int socket, bool local, const struct tls *tls, struct error *err);

/* Accepts no more connections and requests, and waits until those that are being answered have their reply;
 * it does not wait for clients that do not read theirs. False if some are still being answered after
 * `seconds`: then the caller must not free anything, and should end the process. To be called once. */
bool http_stop(struct http *http, unsigned seconds);
void http_free(struct http *http); /* after http_stop; takes NULL */

#endif
