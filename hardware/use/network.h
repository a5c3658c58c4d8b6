/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's network interfaces, their addresses and routes. For network.c and route.c.
 *
 * Only this process' network namespace is seen: an interface that was given to a container is missing, and so
 * are the routes of tables other than the main one. */
#ifndef HOSTPCI_HARDWARE_USE_NETWORK_H
#define HOSTPCI_HARDWARE_USE_NETWORK_H

#include "hardware/use/parts.h"

struct interface {
    const char *name; /* in the list's names */
    struct use_owners owners;
    size_t address_count;
    struct text addresses;     /* the first of them, without link-local ones */
    struct text default_route; /* "192.0.2.1" or "no gateway"; nothing: it has none */
    size_t route_count;        /* others, through a gateway */
    struct text evidence;      /* the line of the default route, or of an address */
};

struct interface_list {
    struct host_uses *uses;
    char **names;
    struct interface *interfaces; /* in the order of the names */
    size_t count;
};

struct interface *interface_find(const struct interface_list *list, const char *name);

/* From proc/net: route, fib_trie, ipv6_route and if_inet6. */
void interface_read_routes(struct interface_list *list);

#endif
