/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where other nodes reach this one. */
#include "cluster/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

/* "[::1]" as "::1"; the text is shortened in place. */
static char *split_port(char *authority, char **ret_port)
{
    char *colon = strrchr(authority, ':');

    authority[strcspn(authority, "/")] = '\0';
    if (colon == NULL || strchr(colon, ']') != NULL)
        return NULL;
    *colon = '\0';
    *ret_port = colon + 1;
    if (authority[0] != '[')
        return authority;
    authority[strcspn(authority, "]")] = '\0';
    return authority + 1;
}

static bool ask_kernel(const struct addrinfo *target, char ret[static NI_MAXHOST])
{
    struct sockaddr_storage own;
    socklen_t length = sizeof(own);
    autoclose int fd = socket(target->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    /* for UDP, connect(2) sends nothing: it chooses the address to send from */
    return fd >= 0 && connect(fd, target->ai_addr, target->ai_addrlen) == 0 &&
           getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
           getnameinfo((struct sockaddr *)&own, length, ret, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) == 0;
}

static bool own_address(const char *url, char ret[static NI_MAXHOST])
{
    const char *after = strstr(url, "//");
    autofree char *authority = xstrdup(after != NULL ? after + 2 : url);
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    char *port = NULL, *host = split_port(authority, &port);

    if (host == NULL || getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    bool done = ask_kernel(found, ret);
    freeaddrinfo(found);
    return done;
}

static bool is_loopback(const char *address)
{
    return text_starts_with(address, "127.") || strcmp(address, "::1") == 0;
}

char *address_announce(const char *listened, const char *etcd_endpoints)
{
    static const char *const all[] = {"//0.0.0.0:", "//[::]:"};
    autofree char *endpoints = xstrdup(etcd_endpoints);
    char found[NI_MAXHOST] = "127.0.0.1", address[NI_MAXHOST];
    const char *wildcard = NULL;

    for (size_t i = 0; i < COUNT_OF(all) && wildcard == NULL; i++)
        wildcard = strstr(listened, all[i]);
    if (wildcard == NULL)
        return xstrdup(listened);
    for (char *rest = endpoints, *url; (url = strsep(&rest, ",")) != NULL && is_loopback(found);)
        if (own_address(url, address))
            snprintf(found, sizeof(found), "%s", address);
    bool v6 = strchr(found, ':') != NULL;
    return xasprintf("%.*s//%s%s%s%s", (int)(wildcard - listened), listened, v6 ? "[" : "", found,
                     v6 ? "]" : "", strrchr(listened, ':'));
}
