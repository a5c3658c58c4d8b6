/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a connection, and with which others he is counted together. */
#ifndef HOSTPCI_SERVER_HTTP_PEER_H
#define HOSTPCI_SERVER_HTTP_PEER_H

#include "server/request/exchange.h"

/* An IPv4 address, the first 64 bits of an IPv6 address (a client has all the others), or a user of the local
 * socket. */
struct network {
    unsigned char bytes[16];
};

/* For IPv4 or IPv6; an IPv4-mapped IPv6 address counts as IPv4. */
struct network peer_describe_address(const struct sockaddr *address, struct peer *ret);

/* For the local socket. If the kernel does not say who it is, the peer counts as a stranger from the network.
 */
struct network peer_describe_local(int fd, struct peer *ret);

#endif
