/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives the local socket its name, and takes it away, in a folder that is root's.
 *
 * Root makes the socket, so that clients can see who listens, but it is to appear when the daemon can answer,
 * and by then the daemon is root no more. So a child of ours stays root for these two acts, whose path is
 * fixed before it is forked, and does nothing else. An ordinary user's daemon needs no child: the folder is
 * its own. If the daemon is killed the socket stays, answers nobody, and is replaced by the next daemon. */
#ifndef HOSTPCI_SERVER_DAEMON_PUBLISHER_H
#define HOSTPCI_SERVER_DAEMON_PUBLISHER_H

#include <sys/types.h>

#include "base/error.h"

struct publisher {
    const char *path; /* of the socket that listen_local has made; NULL: there is none to publish */
    pid_t pid;        /* 0: there is no child */
    int socket;       /* to the child */
};

/* Called while we are still who made the socket, and there are no threads. */
int publisher_start(struct publisher *publisher, struct error *err);

int publisher_publish(struct publisher *publisher, struct error *err);

/* Removes the socket if it was published, or was to be, and ends the child. */
void publisher_stop(struct publisher *publisher);

#endif
