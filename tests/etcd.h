/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real etcd for a test: one to three members on loopback, on free ports, in a folder of the test's own.
 * They end with the test's process. A test skips itself where Debian's etcd-server is not installed. */
#ifndef HOSTPCI_TESTS_ETCD_H
#define HOSTPCI_TESTS_ETCD_H

#include <stdbool.h>
#include <sys/types.h>

#define ETCD_MEMBERS 3

struct etcd_servers {
    char folder[64];
    unsigned count;
    bool tls; /* and only clients with a certificate are answered */
    unsigned ports[ETCD_MEMBERS], peer_ports[ETCD_MEMBERS];
    pid_t pids[ETCD_MEMBERS];      /* 0: it does not run */
    char endpoints[128];           /* for --etcd */
    char certificate[96], key[96]; /* of server, client and authority alike; made with tls only */
};

/* Begin a test with it: skips the test where there is no etcd. */
#define ETCD_OR_SKIP()                                                                                       \
    if (!etcd_servers_possible())                                                                            \
    cr_skip_test("etcd is not installed: apt install etcd-server openssl")
bool etcd_servers_possible(void);

/* Starts them, and waits until they answer. */
void etcd_servers_start(struct etcd_servers *servers, unsigned count, bool tls);
void etcd_servers_stop(struct etcd_servers *servers); /* and removes the folder */
#define autoetcd __attribute__((cleanup(etcd_servers_stop)))

void etcd_servers_kill(struct etcd_servers *servers, unsigned member); /* as a power cut would */
void etcd_servers_run(struct etcd_servers *servers, unsigned member);  /* on the same folder, once more */
void etcd_servers_wait(struct etcd_servers *servers);                  /* until they answer */

#endif
