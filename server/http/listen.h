/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that the daemon listens on. */
#ifndef HOSTPCI_SERVER_HTTP_LISTEN_H
#define HOSTPCI_SERVER_HTTP_LISTEN_H

#include <stdbool.h>

#include "base/error.h"

/* "https://ADDR:PORT" or, on a loopback address only, "http://ADDR:PORT"; IPv6 in brackets; [::] takes IPv4,
 * too. Port 0 is any free one; *ret_url, which the caller frees, tells which. */
int listen_url(const char *url, int *ret_socket, bool *ret_tls, char **ret_url, struct error *err);

/* Makes a listening Unix socket at `path`.new; listen_publish gives it its name when the daemon can answer. A
 * socket at `path` that nobody answers is replaced; one that somebody answers is an error. */
int listen_local(const char *path, int *ret_socket, struct error *err);

/* Removes the sockets that daemons which are gone left at `path` and `path`.new. Called while we are root,
 * who can do it whatever user they ran as. */
void listen_clear(const char *path);

/* Renames `path`.new to `path`. It gets mode 0660, and the group hostpci if there is one and we may give it.
 */
int listen_publish(const char *path, struct error *err);

#endif
