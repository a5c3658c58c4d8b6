/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets to listen on. */
#ifndef HOSTPCI_SERVER_HTTP_LISTEN_H
#define HOSTPCI_SERVER_HTTP_LISTEN_H

#include <stdbool.h>

#include "base/error.h"

/* "https://ADDR:PORT" or, on a loopback address only, "http://ADDR:PORT"; IPv6 in brackets; [::] takes IPv4
 * too. Gives a listening socket. Port 0 is any free one; ret_url, which the caller frees, tells which. */
int listen_url(const char *url, int *ret_socket, bool *ret_tls, char **ret_url, struct error *err);

/* A listening Unix socket at `path`.new: listen_publish gives it its name once it can answer. An old socket
 * that nobody answers is replaced; one that somebody answers is an error. */
int listen_local(const char *path, int *ret_socket, struct error *err);

/* Removes what daemons that are gone left at `path` and `path`.new: root can, whoever they ran as. */
void listen_clear(const char *path);

/* Mode 0660, group hostpci if that exists and may be given. */
int listen_publish(const char *path, struct error *err);

#endif
