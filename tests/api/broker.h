/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker of a daemon on a made host: forked from the test, so that a played kernel (tests/hosts/kernel.h)
 * answers what it writes. START(.host = "golden", .kernel = true) starts both; daemon_stop ends both. */
#ifndef HOSTPCI_TESTS_API_BROKER_H
#define HOSTPCI_TESTS_API_BROKER_H

/* With folders as daemon_run and daemon_broker give them, on the host; waits until it answers. */
void broker_start(const char *host);

/* SIGKILL; its workers are not touched. And once more on the same folders. */
void broker_kill(void);
void broker_start_again(void);

/* SIGTERM, then checks how it ended. Does nothing if none runs. */
void broker_stop(void);

#endif
