/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemons of libmicrohttpd and their connections. */
#include "server/http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/http/callbacks.h"
#include "server/http/connections.h"
#include "server/http/lingering_close.h"
#include "server/http/redirect.h"

#define IDLE_SECONDS 30                  /* without a byte; connections.h has the deadlines */
#define MEMORY_LIMIT ((size_t)16 * 1024) /* of a connection: both heads, and its buffers */
/* Connections that were cut may still be open for a moment when new ones have replaced them. */
#define LIBRARY_LIMIT (2 * HTTP_CONNECTION_LIMIT)
#define WATCH_MS      1000
#define STOP_TICK_MS  10
#define STOP_REPLY_MS 2000 /* for replies that are being sent */

struct listener {
    struct http *http;
    struct connections *connections;
    struct MHD_Daemon *daemon;
    bool local, tls;
    struct listener *next;
};

struct http {
    struct callback_source source;
    unsigned threads;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct listener *listeners;
    bool watching;
    pthread_t watcher;
};

/* libmicrohttpd calls this when it cannot go on. */
static void on_panic(void *argument, const char *file, unsigned line, const char *reason)
{
    (void)argument;
    log_error("libmicrohttpd, %s:%u: %s", file, line, reason);
    abort();
}

/* Cuts connections that are late, and returns unused memory to the system. */
static void *watch(void *argument)
{
    struct http *http = argument;

    pthread_mutex_lock(&http->mutex);
    while (http->watching) {
        const struct timespec end = clock_after(WATCH_MS);
        for (struct listener *listener = http->listeners; listener != NULL; listener = listener->next)
            connections_cut_late(listener->connections, clock_microseconds());
        streams_look(http->source.server->streams, clock_milliseconds());
        memory_give_back();
        pthread_cond_timedwait(&http->changed, &http->mutex, &end);
    }
    pthread_mutex_unlock(&http->mutex);
    return NULL;
}

int http_new(struct server *server, unsigned threads, struct http **ret, struct error *err)
{
    struct http *http = xcalloc(1, sizeof(*http));
    pthread_condattr_t monotonic;

    MHD_set_panic_func(on_panic, NULL);
    http->source.server = server;
    http->source.consoles = consoles_new(server->service->access);
    if (http->source.consoles == NULL) {
        free(http);
        return error_set(err, ERROR_FAILED, "cannot start the thread that carries consoles");
    }
    http->threads = threads;
    http->watching = true;
    pthread_mutex_init(&http->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&http->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int number = pthread_create(&http->watcher, NULL, watch, http);
    if (number != 0) {
        free(http);
        return error_set_errno(err, number, "cannot start the thread that watches connections");
    }
    *ret = http;
    return 0;
}

static void on_connection(void *argument, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct listener *listener = argument;

    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct http_connection *ours = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connections_remove(&ours->place);
        if (ours->unread)
            lingering_close(fd);
        redirect_release(&ours->redirect);
        free(TAKE(*context));
        return;
    }
    *context = ours = xcalloc(1, sizeof(*ours));
    struct network network =
        listener->local
            ? peer_describe_local(fd, &ours->peer)
            : peer_describe_address(
                  MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                  &ours->peer);
    connections_add(listener->connections, &ours->place, fd, &network,
                    peer_is_root(&ours->peer, listener->http->source.server->owner));
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

/* MHD_AcceptPolicyCallback. (MHD_quiesce_daemon would leave new connections in the kernel's queue, but in
 * 0.9.75 both it and the polling threads remove the same socket from an epoll set, and panic if it is gone.)
 */
static enum MHD_Result may_connect(void *argument, const struct sockaddr *address, socklen_t length)
{
    const struct listener *listener = argument;

    (void)address;
    (void)length;
    return listener->http->source.stopping ? MHD_NO : MHD_YES;
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
    /* 0.9.75 would send its own error twice to a client without Host; there server/http/head.h is strict */
    int strict = text_starts_with(MHD_get_version(), "0.") ? 0 : 1;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
                     MHD_USE_ERROR_LOG | (tls != NULL ? MHD_USE_TLS : 0U);

    struct callback_source *source = &listener->http->source;

    return MHD_start_daemon(
        flags, 0, may_connect, listener, callback_handle, source, MHD_OPTION_EXTERNAL_LOGGER,
        log_library_line, NULL, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_ARRAY, threads > 1 ? pool : none,
        MHD_OPTION_ARRAY, tls != NULL ? secure : none, MHD_OPTION_URI_LOG_CALLBACK, callback_begin, source,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, callback_end, source,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIBRARY_LIMIT,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_LIMIT, MHD_OPTION_STRICT_FOR_CLIENT, strict,
        MHD_OPTION_END);
}

int http_answer(struct http *http, int socket, bool local, const struct tls *tls, struct error *err)
{
    struct listener *listener = xcalloc(1, sizeof(*listener));

    *listener = (struct listener){.http = http,
                                  .connections = connections_new(HTTP_CONNECTION_LIMIT),
                                  .local = local,
                                  .tls = tls != NULL};
    /* one thread is enough for the local socket */
    listener->daemon = start_daemon(listener, socket, local ? 1 : http->threads, tls);
    if (listener->daemon == NULL) {
        connections_free(listener->connections);
        free(listener);
        close(socket);
        return error_set(err, ERROR_FAILED, "the HTTP server did not start; the log lines above say why");
    }
    pthread_mutex_lock(&http->mutex);
    listener->next = http->listeners;
    http->listeners = listener;
    pthread_mutex_unlock(&http->mutex);
    return 0;
}

static void stop_watching(struct http *http)
{
    pthread_mutex_lock(&http->mutex);
    http->watching = false;
    pthread_cond_signal(&http->changed);
    pthread_mutex_unlock(&http->mutex);
    pthread_join(http->watcher, NULL);
}

/* Waits until the count is 0, while it cuts the connections that have no request. */
static bool wait_for(const struct http *http, const atomic_uint *count, unsigned milliseconds)
{
    const struct timespec tick = {.tv_nsec = STOP_TICK_MS * 1000000L};

    for (unsigned ticks = milliseconds / STOP_TICK_MS; *count > 0 && ticks > 0; ticks--) {
        for (struct listener *listener = http->listeners; listener != NULL; listener = listener->next)
            connections_cut_waiting(listener->connections);
        nanosleep(&tick, NULL);
    }
    return *count == 0;
}

bool http_stop(struct http *http, unsigned seconds)
{
    http->source.stopping = true;
    stop_watching(http);
    consoles_stop(http->source.consoles);
    streams_stop(http->source.server->streams);
    if (!wait_for(http, &http->source.answering, seconds * 1000))
        return false;
    wait_for(http, &http->source.replying, STOP_REPLY_MS);
    return true;
}

void http_free(struct http *http)
{
    struct listener *next;

    if (http == NULL)
        return;
    for (struct listener *listener = http->listeners; listener != NULL; listener = next) {
        next = listener->next;
        MHD_stop_daemon(listener->daemon);
        connections_free(listener->connections);
        free(listener);
    }
    consoles_free(http->source.consoles);
    pthread_cond_destroy(&http->changed);
    pthread_mutex_destroy(&http->mutex);
    free(http);
}
