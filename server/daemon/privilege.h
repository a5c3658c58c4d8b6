/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From whoever started the daemon to the one that answers requests.
 *
 * Started by root, it makes the folders ready for the user of --user (missing: nobody, said in the log),
 * starts a broker if none answers (if that fails it is said, and reading works), and becomes that user.
 * Started by anybody else, it stays who it is and has no broker of its own. Called before there are other
 * threads, after the sockets are bound: ports below 1024 are root's. */
#ifndef HOSTPCI_SERVER_DAEMON_PRIVILEGE_H
#define HOSTPCI_SERVER_DAEMON_PRIVILEGE_H

#include "base/error.h"
#include "server/daemon/own_broker.h"
#include "server/daemon/settings.h"

/* `ret` is filled also on failure, if a broker was started by then. */
int privilege_drop(const struct settings *settings, struct own_broker *ret, struct error *err);

#endif
