/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker of a daemon that root started by hand: where the service manager does not start one, the daemon
 * does, while it is still root, and takes it along when it ends. */
#ifndef HOSTPCI_SERVER_DAEMON_OWN_BROKER_H
#define HOSTPCI_SERVER_DAEMON_OWN_BROKER_H

#include <sys/types.h>

#include "base/error.h"
#include "server/daemon/settings.h"

/* All zero: none was started. */
struct own_broker {
    pid_t pid;
    int lifeline; /* the broker ends (SIGTERM) when this pipe is closed: also when we are killed */
};

/* Nothing if a broker answers on the run folder. Else starts one, which lets the user connect, and waits
 * until it answers. Its log is ours. Called by root, without other threads. */
int own_broker_start(const struct settings *settings, const char *user, struct own_broker *ret,
                     struct error *err);

/* If it has ended by itself, says so in the log. Called when SIGCHLD came. */
void own_broker_check(struct own_broker *own_broker);

/* Ends it and waits until it has ended: at most a little longer than it gives what it is doing. */
void own_broker_stop(struct own_broker *own_broker);

#endif
