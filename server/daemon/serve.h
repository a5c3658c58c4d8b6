/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci serve`: the daemon. */
#ifndef HOSTPCI_SERVER_DAEMON_SERVE_H
#define HOSTPCI_SERVER_DAEMON_SERVE_H

/* argv[0] is "serve". Runs until SIGTERM or SIGINT; returns the exit status. */
int serve_main(int argc, char **argv);

#endif
