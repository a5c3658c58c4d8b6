/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's socket. Root and the front's user may connect; the kernel tells which user it is, and client.h
 * who is answered. */
#ifndef HOSTPCI_BROKER_DAEMON_LISTEN_H
#define HOSTPCI_BROKER_DAEMON_LISTEN_H

#include <sys/types.h>

#include "base/error.h"

/* A listening socket that does not block, at `path`.new: broker_publish gives it its name once the broker can
 * answer. It belongs to the front's user and has mode 0600. A socket that a dead broker left is replaced;
 * ERROR_CONFLICT if another broker answers there. */
int broker_listen(const char *path, uid_t front, int *ret, struct error *err);
int broker_publish(const char *path, struct error *err);

#endif
