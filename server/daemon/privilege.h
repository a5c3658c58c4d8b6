/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops being root.
 *
 * A daemon that root started prepares its state folder for the user of --user, starts a broker if none
 * answers, and the child that names the local socket, and becomes that user. If the user does not exist it
 * becomes nobody; if no broker can be started it goes on without one, and can only read; the log says so. A
 * daemon that anybody else started keeps its user, and starts no broker. Must be called while there are no
 * other threads, and after the sockets are bound, since only root may use ports below 1024. */
#ifndef HOSTPCI_SERVER_DAEMON_PRIVILEGE_H
#define HOSTPCI_SERVER_DAEMON_PRIVILEGE_H

#include "base/error.h"
#include "server/daemon/own_broker.h"
#include "server/daemon/publisher.h"
#include "server/daemon/settings.h"

/* The children that stay root. */
struct helpers {
    struct own_broker broker;
    struct publisher publisher; /* its path is set by the caller */
};

/* The caller must stop the helpers that were started, even after a failure. */
int privilege_drop(const struct settings *settings, struct helpers *helpers, struct error *err);

#endif
