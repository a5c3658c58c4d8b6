/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops being root.
 *
 * A daemon that root started prepares its folders for the user of --user, starts a broker if none answers,
 * and becomes that user. If the user does not exist it becomes nobody, and if no broker can be started it
 * goes on without one, and can only read; the log says so. A daemon that anybody else started stays who it
 * is, and starts no broker. Must be called while there are no other threads, and after the sockets are bound,
 * since only root may use ports below 1024. */
#ifndef HOSTPCI_SERVER_DAEMON_PRIVILEGE_H
#define HOSTPCI_SERVER_DAEMON_PRIVILEGE_H

#include "base/error.h"
#include "server/daemon/own_broker.h"
#include "server/daemon/settings.h"

/* `ret` is filled also on failure, if a broker was started by then: the caller must stop it. */
int privilege_drop(const struct settings *settings, struct own_broker *ret, struct error *err);

#endif
