/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives the local socket its name, and later removes it, in a folder that belongs to root.
 *
 * Root makes the socket, so that clients can see who listens. But it must not appear before the daemon can
 * answer, and by then the daemon is no longer root. So a child process stays root for these two acts; the
 * path is fixed before the fork, and it does nothing else. An ordinary user's daemon needs no child, because
 * it owns the folder. If the daemon is killed the socket stays, answers nobody, and is replaced by the next
 * daemon. */
#ifndef HOSTPCI_SERVER_DAEMON_PUBLISHER_H
#define HOSTPCI_SERVER_DAEMON_PUBLISHER_H

#include <sys/types.h>

#include "base/error.h"

struct publisher {
    const char *path; /* of the socket that listen_local has made; NULL: there is none to publish */
    pid_t pid;        /* 0: there is no child */
    int socket;       /* to the child */
};

/* To be called while we are still the user who made the socket, and there are no other threads. */
int publisher_start(struct publisher *publisher, struct error *err);

int publisher_publish(struct publisher *publisher, struct error *err);

/* Removes the socket, published or not, and ends the child. */
void publisher_stop(struct publisher *publisher);

#endif
