/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and routes of the network interfaces.
 *
 * fib_trie has the host's IPv4 addresses, but not the interfaces that they are on: an address is taken to be
 * on the interface of the most specific route to a directly connected network that contains it. Sources:
 * fib_route_seq_show and fib_trie_seq_show in net/ipv4/fib_trie.c, net/ipv6/route.c and net/ipv6/addrconf.c
 * of the Linux kernel, include/uapi/linux/route.h and ipv6_route.h (flags). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/network.h"

#define MOST_TEXT      (4U << 20)
#define MOST_ADDRESSES 1024 /* of the host, IPv4 */
#define MOST_NETWORKS  4096 /* directly connected */
#define MOST_SHOWN     3    /* addresses of an interface */
#define ROUTE_UP       0x1
#define ROUTE_REJECT   0x200
#define MOST_FIELDS    11

/* Both in network order, as the kernel writes them. */
struct network {
    uint32_t address;
    uint32_t mask;
    struct interface *interface;
};

struct networks {
    struct network *items;
    size_t count;
};

static size_t split(char *line, char **fields, size_t most)
{
    size_t count = 0;

    for (char *field; count < most && (field = strsep(&line, " \t")) != NULL;)
        if (*field != '\0')
            fields[count++] = field;
    return count;
}

static bool parse_hex(const char *text, uint32_t *ret)
{
    unsigned long long number;

    if (!text_to_number(text, 16, UINT32_MAX, &number))
        return false;
    *ret = (uint32_t)number;
    return true;
}

static char *read_file(struct interface_list *list, const char *file)
{
    char *text = NULL;
    int result = sysfs_read_whole(list->uses->root, file, MOST_TEXT, &text);

    if (result < 0 && result != -ENOENT)
        use_note(list->uses, file, result);
    return text;
}

static void add_address(struct interface *interface, const char *address, const char *file, const char *line)
{
    if (interface->evidence.length == 0)
        text_printf(&interface->evidence, "/%s: %s", path_below(PROC_NET, file, NULL).text, line);
    if (interface->address_count < MOST_SHOWN)
        text_printf(&interface->addresses, "%s%s", interface->address_count > 0 ? ", " : "", address);
    interface->address_count++;
}

static void add_route(struct interface *interface, bool is_default, const char *gateway, const char *file,
                      const char *line)
{
    if (!is_default) {
        interface->route_count++;
        return;
    }
    if (interface->default_route.length > 0)
        return;
    text_append(&interface->default_route, gateway);
    text_release(&interface->evidence);
    text_printf(&interface->evidence, "/%s: %s", path_below(PROC_NET, file, NULL).text, line);
}

/* Interface, network, gateway, flags, references, uses, metric, mask, ...; numbers are hexadecimal. */
static void read_route4(struct interface_list *list, struct networks *networks, const char *line)
{
    autofree char *copy = xstrdup(line);
    char *fields[MOST_FIELDS], text[INET_ADDRSTRLEN] = "no gateway";
    uint32_t network, gateway, flags, mask;

    if (split(copy, fields, MOST_FIELDS) < 8 || !parse_hex(fields[1], &network) ||
        !parse_hex(fields[2], &gateway) || !parse_hex(fields[3], &flags) || !parse_hex(fields[7], &mask))
        return;
    struct interface *interface = interface_find(list, fields[0]);
    if (interface == NULL || (flags & ROUTE_UP) == 0 || (flags & ROUTE_REJECT) != 0)
        return;
    if (gateway != 0)
        inet_ntop(AF_INET, &gateway, text, sizeof(text));
    if (gateway != 0 || mask == 0)
        add_route(interface, mask == 0, text, "route", line);
    else if (networks->count < MOST_NETWORKS)
        networks->items[networks->count++] = (struct network){network, mask, interface};
}

static struct interface *find_connected(const struct networks *networks, uint32_t address)
{
    const struct network *best = NULL;

    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        if ((address & network->mask) == network->address &&
            (best == NULL || ntohl(network->mask) > ntohl(best->mask)))
            best = network;
    }
    return best != NULL ? best->interface : NULL;
}

static bool is_new(uint32_t *seen, size_t *count, uint32_t address)
{
    for (size_t i = 0; i < *count; i++)
        if (seen[i] == address)
            return false;
    if (*count == MOST_ADDRESSES)
        return false;
    seen[(*count)++] = address;
    return true;
}

/* "|-- 192.0.2.2", and on the next line "/32 host LOCAL" if that is an address of the host. */
static void read_addresses4(struct interface_list *list, const struct networks *networks)
{
    autofree char *text = read_file(list, PROC_NET "/fib_trie");
    autofree uint32_t *seen = xcalloc(MOST_ADDRESSES, sizeof(seen[0]));
    size_t count = 0;
    uint32_t address = 0;
    const char *shown = "";
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *leaf = strstr(line, "|-- ");
        if (leaf != NULL)
            shown = leaf + strlen("|-- ");
        if (leaf != NULL || strstr(line, "/32 host LOCAL") == NULL ||
            inet_pton(AF_INET, shown, &address) != 1 || !is_new(seen, &count, address))
            continue;
        struct interface *interface = find_connected(networks, address);
        autofree char *evidence = xasprintf("%s /32 host LOCAL", shown);
        if (interface != NULL)
            add_address(interface, shown, "fib_trie", evidence);
    }
}

static void read_ip4(struct interface_list *list)
{
    autofree char *text = read_file(list, PROC_NET "/route");
    autofree struct network *items = xcalloc(MOST_NETWORKS, sizeof(items[0]));
    struct networks networks = {.items = items};
    char *rest = text;

    if (text == NULL)
        return;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        read_route4(list, &networks, line);
    read_addresses4(list, &networks);
}

/* 32 hexadecimal digits. */
static bool parse_address6(const char *digits, struct in6_addr *ret)
{
    unsigned byte;

    for (size_t i = 0; i < sizeof(ret->s6_addr); i++) {
        if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
            return false;
        ret->s6_addr[i] = (uint8_t)byte;
    }
    return true;
}

/* Destination, its prefix length, source, its prefix length, next hop, metric, users, uses, flags, interface.
 */
static void read_route6(struct interface_list *list, const char *line)
{
    autofree char *copy = xstrdup(line);
    char *fields[MOST_FIELDS], text[INET6_ADDRSTRLEN] = "no gateway";
    struct in6_addr gateway;
    uint32_t length, flags;

    if (split(copy, fields, MOST_FIELDS) < 10 || strlen(fields[4]) != 32 || !parse_hex(fields[1], &length) ||
        !parse_hex(fields[8], &flags) || !parse_address6(fields[4], &gateway))
        return;
    struct interface *interface = interface_find(list, fields[9]);
    bool direct = IN6_IS_ADDR_UNSPECIFIED(&gateway);
    if (interface == NULL || (flags & ROUTE_UP) == 0 || (flags & ROUTE_REJECT) != 0 ||
        (direct && length != 0))
        return;
    if (!direct)
        inet_ntop(AF_INET6, &gateway, text, sizeof(text));
    add_route(interface, length == 0, text, "ipv6_route", line);
}

/* "fd000000000000000000000000000002 04 40 00 82     eth0" */
static void read_address6(struct interface_list *list, const char *line)
{
    autofree char *copy = xstrdup(line);
    char *fields[MOST_FIELDS], text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (split(copy, fields, MOST_FIELDS) < 6 || strlen(fields[0]) != 32 ||
        !parse_address6(fields[0], &address) || IN6_IS_ADDR_LINKLOCAL(&address))
        return;
    struct interface *interface = interface_find(list, fields[5]);
    inet_ntop(AF_INET6, &address, text, sizeof(text));
    if (interface != NULL)
        add_address(interface, text, "if_inet6", line);
}

static void read_ip6(struct interface_list *list)
{
    autofree char *routes = read_file(list, PROC_NET "/ipv6_route");
    autofree char *addresses = read_file(list, PROC_NET "/if_inet6");
    char *rest = routes;

    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        read_route6(list, line);
    rest = addresses;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        read_address6(list, line);
}

void interface_read_routes(struct interface_list *list)
{
    read_ip4(list);
    read_ip6(list);
}
