/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that the daemon listens on. */
#ifndef HOSTPCI_SERVER_HTTP_LISTEN_H
#define HOSTPCI_SERVER_HTTP_LISTEN_H

#include <stdbool.h>

#include "base/error.h"

/* "https://ADDR:PORT" or, on a loopback address only, "http://ADDR:PORT"; IPv6 in brackets; [::] includes
 * IPv4. Port 0 is any free one; *ret_url, which the caller frees, says which. */
int listen_url(const char *url, int *ret_socket, bool *ret_tls, char **ret_url, struct error *err);

/* Makes a listening Unix socket at `path`.new; listen_publish gives it its name when the daemon can answer.
 * It has mode 0660 and, if root makes it, the group hostpci if there is one. The kernel tells clients which
 * user called this, so call it as root. A socket that a dead daemon has left there is replaced;
 * ERROR_CONFLICT if somebody answers on `path`, or if it is not a socket. */
int listen_local(const char *path, int *ret_socket, struct error *err);
int listen_publish(const char *path, struct error *err);

#endif
