/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For suites that attack the daemon: what an attacker has, and a well-behaved client who calls meanwhile and
 * is answered each time. */
#ifndef HOSTPCI_TESTS_API_ATTACK_H
#define HOSTPCI_TESTS_API_ATTACK_H

#include <stddef.h>

/* The .init of a suite: a daemon on the host "workstation", with a mapping "gpu", an auditor
 * "auditor@pve!ci" and the well-behaved client's "root@pam!good". */
void attack_start(void);
const char *attack_auditor(void); /* "Authorization: PVEAPIToken=..." */

/* A TCP connection from 127.0.0.HOST; attack_try gives -1 if nobody listens. */
int attack_connect(int host);
int attack_try(int host);
void attack_close(int *fds, size_t count);

/* Begins to call: as root through the local socket and with a token from 127.0.0.1, each time on a connection
 * of its own; it reads, and makes and deletes a mapping. */
void good_client_start(void);
/* Waits until that many more rounds are done, none of which may fail. */
void good_client_proceeds(unsigned rounds);
void good_client_stop(void);

/* The daemon used less than 64 MiB since it started, and gives back what the attack took. */
void attack_memory_is_small(void);

/* Descriptors that the daemon has open. */
unsigned attack_count_descriptors(void);

#endif
