/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP by libmicrohttpd: one of its daemons for each socket, each with its own threads and epoll. It collects
 * requests, bounded in every respect, and sends the replies; server/request/exchange.h is what happens
 * between.
 *
 * Bounds: 64 header lines, 8 KiB of request line and headers, REQUEST_BODY_LIMIT, half a minute without a
 * byte, HTTP_CONNECTION_LIMIT connections a socket and a quarter of them from one address. */
#ifndef HOSTPCI_SERVER_HTTP_HTTP_H
#define HOSTPCI_SERVER_HTTP_HTTP_H

#include "server/http/tls.h"
#include "server/request/exchange.h"

#define HTTP_CONNECTION_LIMIT 1024
#define HTTP_HEADER_LIMIT     64
#define HTTP_HEAD_LIMIT       8192

struct http;

struct http *http_new(struct server *server, unsigned threads);

/* Starts to answer on a listening socket, which it takes. `tls` is NULL for plain HTTP and must outlive it;
 * `local` says that it is the Unix socket. */
int http_answer(struct http *http, int socket, bool local, const struct tls *tls, struct error *err);

/* Accepts no more connections, and waits for running requests. False if some still run after that time: then
 * nothing may be freed and the process should end. */
bool http_stop(struct http *http, unsigned seconds);
void http_free(struct http *http); /* after http_stop; takes NULL */

#endif
