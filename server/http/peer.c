/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a connection. */
#include "server/http/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct in6_addr read_address(const struct sockaddr *address)
{
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    if (address->sa_family == AF_INET6)
        return ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    memcpy(mapped.s6_addr + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    return mapped;
}

static void print(const struct in6_addr *address, char ret[static INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, ret, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, ret, INET6_ADDRSTRLEN);
}

struct network peer_describe_address(const struct sockaddr *address, struct peer *ret)
{
    struct in6_addr whole = read_address(address);
    struct network network;

    *ret = (struct peer){0};
    print(&whole, ret->address);
    if (!IN6_IS_ADDR_V4MAPPED(&whole))
        memset(whole.s6_addr + 8, 0, 8);
    print(&whole, ret->network);
    memcpy(network.bytes, whole.s6_addr, sizeof(network.bytes));
    return network;
}

/* Stands for a user as an address that nobody has, from the discard-only prefix (RFC 6666). */
static struct network network_of_user(uid_t uid)
{
    struct network network = {{0x01}};

    memcpy(network.bytes + 12, &uid, sizeof(uid));
    return network;
}

struct network peer_describe_local(int fd, struct peer *ret)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);

    *ret = (struct peer){.local = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0};
    ret->uid = ret->local ? credentials.uid : (uid_t)-1;
    snprintf(ret->address, sizeof(ret->address), "local:%d", (int)ret->uid);
    memcpy(ret->network, ret->address, sizeof(ret->network));
    return network_of_user(ret->uid);
}
