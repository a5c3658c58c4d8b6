/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemons of libmicrohttpd and their connections. */
#include "server/http/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/http/callbacks.h"
#include "server/http/lingering_close.h"
#include "server/http/redirect.h"

#define IDLE_SECONDS 30
#define MEMORY_LIMIT ((size_t)16 * 1024) /* of a connection: both heads, and its buffers */

struct listener {
    struct callback_source source;
    struct MHD_Daemon *daemon;
    int socket; /* -1 before http_stop */
    bool local, tls;
    struct listener *next;
};

struct http {
    struct server *server;
    unsigned threads;
    atomic_uint active;
    struct listener *listeners;
};

static atomic_bool stopping;

/* libmicrohttpd cannot go on when it calls this. Version 0.9.75 calls it now and then while it stops: the
 * thread that quiesces it and the one that polls both take the same socket out of an epoll set, and the
 * second one finds it gone; or a request that came at the last moment is still suspended. Neither does harm,
 * because everything that was acknowledged is on disk. The system call ends the process without the C
 * library, whose _exit ThreadSanitizer replaces to complain about the threads that are left. */
static void on_panic(void *argument, const char *file, unsigned line, const char *reason)
{
    (void)argument;
    log_error("libmicrohttpd, %s:%u: %s", file, line, reason);
    if (stopping)
        syscall(SYS_exit_group, EXIT_SUCCESS);
    abort();
}

struct http *http_new(struct server *server, unsigned threads)
{
    struct http *http = xcalloc(1, sizeof(*http));

    MHD_set_panic_func(on_panic, NULL);
    http->server = server;
    http->threads = threads;
    return http;
}

static void describe_network_peer(const struct sockaddr *address, struct peer *peer)
{
    static const char mapped[] = "::ffff:";
    const void *bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    inet_ntop(address->sa_family, bytes, peer->address, sizeof(peer->address));
    if (strncmp(peer->address, mapped, strlen(mapped)) == 0 && strchr(peer->address, '.') != NULL)
        memmove(peer->address, peer->address + strlen(mapped), strlen(peer->address + strlen(mapped)) + 1);
}

/* If the kernel does not tell who the peer is, the peer counts as a stranger from the network. */
static void describe_local_peer(int fd, struct peer *peer)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);

    peer->local = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0;
    peer->uid = peer->local ? credentials.uid : (uid_t)-1;
    snprintf(peer->address, sizeof(peer->address), "local:%d", (int)peer->uid);
}

static void on_connection(void *argument, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct listener *listener = argument;

    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct http_connection *ours = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (ours->unread)
            lingering_close(fd);
        redirect_release(&ours->redirect);
        free(TAKE(*context));
        return;
    }
    *context = ours = xcalloc(1, sizeof(*ours));
    if (listener->local)
        describe_local_peer(fd, &ours->peer);
    else
        describe_network_peer(
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
            &ours->peer);
    if (listener->tls)
        redirect_watch(&ours->redirect,
                       MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session,
                       fd, &ours->unread);
}

/* libmicrohttpd must leave the escapes in URIs alone: server/request/request.c decodes them. */
static size_t keep_escapes(void *argument, struct MHD_Connection *connection, char *text)
{
    (void)argument;
    (void)connection;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void log_library_line(void *argument, const char *format,
                                                                   va_list args)
{
    char line[512];

    (void)argument;
    vsnprintf(line, sizeof(line), format, args);
    log_info("libmicrohttpd: %s", text_trim(line));
}

static struct MHD_Daemon *start_daemon(struct listener *listener, int socket, unsigned threads,
                                       const struct tls *tls)
{
    const struct MHD_OptionItem pool[] = {{MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL},
                                          {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls != NULL ? tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls != NULL ? tls->key : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (tls != NULL ? MHD_USE_TLS : 0U);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, callback_handle, &listener->source, MHD_OPTION_EXTERNAL_LOGGER,
        log_library_line, NULL, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_ARRAY, threads > 1 ? pool : none,
        MHD_OPTION_ARRAY, tls != NULL ? secure : none, MHD_OPTION_URI_LOG_CALLBACK, callback_begin,
        &listener->source, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        callback_end, &listener->source, MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTION_LIMIT, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        listener->local ? 0U : (unsigned)HTTP_CONNECTION_LIMIT / 4, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        MEMORY_LIMIT, MHD_OPTION_END);
}

int http_answer(struct http *http, int socket, bool local, const struct tls *tls, struct error *err)
{
    struct listener *listener = xcalloc(1, sizeof(*listener));

    listener->socket = -1;
    listener->source = (struct callback_source){http->server, &http->active};
    listener->local = local;
    listener->tls = tls != NULL;
    /* one thread is enough for the local socket */
    listener->daemon = start_daemon(listener, socket, local ? 1 : http->threads, tls);
    if (listener->daemon == NULL) {
        free(listener);
        close(socket);
        return error_set(err, ERROR_FAILED, "the HTTP server did not start; the log lines above say why");
    }
    listener->next = http->listeners;
    http->listeners = listener;
    return 0;
}

bool http_stop(struct http *http, unsigned seconds)
{
    const struct timespec tick = {.tv_nsec = 10000000};

    stopping = true;
    /* the sockets are closed in http_free, when no thread can use them any more */
    for (struct listener *listener = http->listeners; listener != NULL; listener = listener->next)
        listener->socket = MHD_quiesce_daemon(listener->daemon);
    for (unsigned ticks = seconds * 100; ticks > 0 && http->active > 0; ticks--)
        nanosleep(&tick, NULL);
    return http->active == 0;
}

void http_free(struct http *http)
{
    struct listener *next;

    if (http == NULL)
        return;
    for (struct listener *listener = http->listeners; listener != NULL; listener = next) {
        next = listener->next;
        MHD_stop_daemon(listener->daemon);
        if (listener->socket >= 0)
            close(listener->socket);
        free(listener);
    }
    free(http);
}
