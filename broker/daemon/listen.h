/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's socket. Everybody may connect; the kernel tells who it is, and client.h who is answered. */
#ifndef HOSTPCI_BROKER_DAEMON_LISTEN_H
#define HOSTPCI_BROKER_DAEMON_LISTEN_H

#include "base/error.h"

/* A listening socket that does not block, at `path`.new: broker_publish gives it its name once the broker can
 * answer. A socket that a dead broker left is replaced; ERROR_CONFLICT if another broker answers there. */
int broker_listen(const char *path, int *ret, struct error *err);
int broker_publish(const char *path, struct error *err);

#endif
