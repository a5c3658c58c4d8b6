/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker that the daemon starts itself, while it is still root, when the service manager has not started
 * one. It ends together with the daemon. */
#ifndef HOSTPCI_SERVER_DAEMON_OWN_BROKER_H
#define HOSTPCI_SERVER_DAEMON_OWN_BROKER_H

#include <sys/types.h>

#include "base/error.h"
#include "server/daemon/settings.h"

/* All zero if none was started. */
struct own_broker {
    pid_t pid;
    int lifeline; /* the broker gets SIGTERM when this pipe is closed, be it by our death */
};

/* Starts a broker to which `user` may connect, and waits until it answers; does nothing if one already
 * answers in the run folder. The broker writes to our log. Only root may call this, while there are no other
 * threads. */
int own_broker_start(const struct settings *settings, const char *user, struct own_broker *ret,
                     struct error *err);

/* Writes to the log if the broker has ended by itself. To be called after SIGCHLD. */
void own_broker_check(struct own_broker *own_broker);

/* Ends the broker, and waits for that, but not much longer than the broker waits for its own operations. */
void own_broker_stop(struct own_broker *own_broker);

#endif
