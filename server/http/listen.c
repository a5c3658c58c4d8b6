/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets to listen on. */
#include "server/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/user.h"

#define BACKLOG 1024
/* Each connection inherits this size, which the kernel doubles. By default the buffer could grow to 4 MiB,
 * which a slow reader would then hold; and a large reply is sent faster while the buffer fits into the CPU's
 * cache. */
#define SEND_BUFFER (256 * 1024)
/* A console or a stream may be silent for hours: its client is asked after a minute, and one that does not
 * answer for another minute is gone. */
#define SILENT_SECONDS 60
#define PROBE_SECONDS  15
#define PROBES         4

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t length;
    bool loopback;
};

static bool set_v4(const char *host, uint16_t port, struct address *ret)
{
    ret->socket.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    ret->length = sizeof(ret->socket.v4);
    if (inet_pton(AF_INET, host, &ret->socket.v4.sin_addr) != 1)
        return false;
    ret->loopback = ntohl(ret->socket.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return true;
}

static bool set_v6(const char *host, uint16_t port, struct address *ret)
{
    ret->socket.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    ret->length = sizeof(ret->socket.v6);
    if (inet_pton(AF_INET6, host, &ret->socket.v6.sin6_addr) != 1)
        return false;
    ret->loopback = IN6_IS_ADDR_LOOPBACK(&ret->socket.v6.sin6_addr);
    return true;
}

/* "ADDR:PORT" or "[ADDR]:PORT", possibly with a slash at the end. */
static bool parse_address(const char *text, struct address *ret)
{
    autofree char *copy = xstrdup(text);
    unsigned long long port;
    char *colon;

    if (text_ends_with(copy, "/"))
        copy[strlen(copy) - 1] = '\0';
    if ((colon = strrchr(copy, ':')) == NULL || !text_to_number(colon + 1, 10, 65535, &port))
        return false;
    *colon = '\0';
    if (copy[0] != '[')
        return set_v4(copy, (uint16_t)port, ret);
    if (!text_ends_with(copy, "]"))
        return false;
    colon[-1] = '\0';
    return set_v6(copy + 1, (uint16_t)port, ret);
}

static int parse_url(const char *url, struct address *ret, bool *ret_tls, struct error *err)
{
    const char *rest = strstr(url, "://");
    bool tls = text_starts_with(url, "https://");

    if ((!tls && !text_starts_with(url, "http://")) || !parse_address(rest + strlen("://"), ret))
        return error_set(
            err, ERROR_INVALID,
            "cannot listen on '%s': give https://ADDRESS:PORT with a numeric address, IPv6 in brackets", url);
    if (!tls && !ret->loopback)
        return error_set(
            err, ERROR_INVALID,
            "refusing to listen on '%s': without TLS tokens could be read on the network; use https://, "
            "or http:// on 127.0.0.1 or [::1]",
            url);
    *ret_tls = tls;
    return 0;
}

/* Each connection inherits it. */
static int find_dead_clients(int fd)
{
    static const struct {
        int level, option, value;
    } all[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
               {IPPROTO_TCP, TCP_KEEPIDLE, SILENT_SECONDS},
               {IPPROTO_TCP, TCP_KEEPINTVL, PROBE_SECONDS},
               {IPPROTO_TCP, TCP_KEEPCNT, PROBES}};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (setsockopt(fd, all[i].level, all[i].option, &all[i].value, sizeof(all[i].value)) != 0)
            return -1;
    return 0;
}

static int bind_and_listen(int fd, const struct address *address)
{
    const int on = 1, off = 0, send_buffer = SEND_BUFFER;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return -1;
    if (address->socket.any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)) != 0)
        return -1;
    if (find_dead_clients(fd) != 0 || bind(fd, &address->socket.any, address->length) != 0)
        return -1;
    return listen(fd, BACKLOG);
}

/* The URL with the port that the kernel chose. */
static char *describe(int fd, const char *url)
{
    struct address address = {.length = sizeof(address.socket)};
    const char *colon = strrchr(url, ':');

    if (getsockname(fd, &address.socket.any, &address.length) != 0)
        return xstrdup(url);
    return xasprintf("%.*s:%u", (int)(colon - url), url,
                     ntohs(address.socket.v4.sin_port)); /* in sockaddr_in6 it lies at the same offset */
}

int listen_url(const char *url, int *ret_socket, bool *ret_tls, char **ret_url, struct error *err)
{
    struct address address = {0};
    bool tls = false;

    if (parse_url(url, &address, &tls, err) != 0)
        return -1;
    autoclose int fd = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot listen on '%s'", url);
    if (bind_and_listen(fd, &address) != 0) {
        const char *remedy = errno == EADDRINUSE ? "; stop the program that listens there ([::] takes IPv4 "
                                                   "too), or give another --listen"
                             : errno == EADDRNOTAVAIL ? "; give an address that this host has"
                             : errno == EACCES        ? "; only root may use ports below 1024"
                                                      : "";
        return error_set(err, ERROR_FAILED, "cannot listen on '%s': %s%s", url, strerror(errno), remedy);
    }
    *ret_url = describe(fd, url);
    *ret_tls = tls;
    *ret_socket = fd;
    fd = -1;
    return 0;
}

static int set_path(const char *path, const char *suffix, struct sockaddr_un *ret, struct error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) + strlen(suffix) >= sizeof(ret->sun_path))
        return error_set(
            err, ERROR_INVALID,
            "the path of the local socket, '%s', is too long: at most %zu bytes; give another --run-dir "
            "or --socket",
            path, sizeof(ret->sun_path) - strlen(suffix) - 1);
    stpcpy(stpcpy(ret->sun_path, path), suffix);
    return 0;
}

/* Makes sure that the path is free: removes the socket of a dead daemon, and refuses anything else. */
static int make_free(const char *path, struct error *err)
{
    struct sockaddr_un address;
    struct ucred listener = {0};
    socklen_t size = sizeof(listener);
    struct stat status;

    if (lstat(path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, ERROR_CONFLICT,
                         "'%s' exists and is not a socket: move it away, or give another --socket", path);
    if (set_path(path, "", &address, err) != 0)
        return -1;
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size);
        return error_set(
            err, ERROR_CONFLICT,
            "another daemon answers on '%s' (process %d, user %u): stop it, or give another --run-dir "
            "or --socket",
            path, (int)listener.pid, (unsigned)listener.uid);
    }
    if (errno != ECONNREFUSED) /* for example a full queue: somebody may well be there */
        return error_set_errno(err, errno, "cannot find out whether a daemon listens on '%s'", path);
    if (unlink(path) != 0)
        return error_set_errno(err, errno, "cannot remove '%s', which a daemon that is gone left", path);
    return 0;
}

/* The socket has its mode and its group from the moment it appears. */
static int bind_closed(int fd, const struct sockaddr_un *address)
{
    gid_t own = getegid(), group;
    mode_t before = umask(0117);

    if (geteuid() == 0 && user_find_group(USER_OWN_GROUP, &group))
        setfsgid(group);
    int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    setfsgid(own);
    umask(before);
    return result;
}

int listen_local(const char *path, int *ret_socket, struct error *err)
{
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;

    if (set_path(path, ".new", &address, err) != 0 || make_free(path, err) != 0)
        return -1;
    if (unlink(address.sun_path) != 0 && errno != ENOENT)
        rmdir(address.sun_path);
    if (bind_closed(fd, &address) != 0 || listen(fd, BACKLOG) != 0)
        return error_set(err, ERROR_FAILED, "cannot listen on '%s': %s%s", address.sun_path, strerror(errno),
                         errno == EACCES
                             ? "; `systemctl start hostpci.socket` makes the socket for the service, "
                               "or give another --run-dir"
                         : errno == EADDRINUSE ? "; move it away"
                                               : "");
    *ret_socket = fd;
    fd = -1;
    return 0;
}

int listen_publish(const char *path, struct error *err)
{
    autofree char *temporary = xasprintf("%s.new", path);

    if (rename(temporary, path) != 0)
        return error_set_errno(err, errno, "cannot make the local socket '%s'", path);
    return 0;
}
