/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects a request from libmicrohttpd's callbacks, and sends its reply. */
#include "server/http/callbacks.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "server/http/head.h"
#include "server/http/http.h"
#include "server/http/response.h"
#include "server/http/websocket.h"

#define FORM_BUFFER ((size_t)64 * 1024) /* of a form that holds a file: the most of it that is in memory */

/* An exchange, and how much of its request has been received. */
struct http_request {
    struct exchange exchange;
    struct callback_source *source;
    struct http_connection *connection;
    struct head head;
    const char *uri, *uri_end; /* in libmicrohttpd's buffer */
    bool headers_seen, answering, replying, form_is_broken;
    struct MHD_PostProcessor *form; /* of a body that holds a file */
    size_t received;                /* of the body */
};

static void pause_connection(struct exchange *exchange)
{
    MHD_suspend_connection(exchange->connection);
}

static void resume_connection(struct exchange *exchange)
{
    MHD_resume_connection(exchange->connection);
}

static bool is_left(const struct exchange *exchange)
{
    int fd = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};

    return poll(&state, 1, 0) == 1;
}

void *callback_begin(void *argument, const char *uri, struct MHD_Connection *connection)
{
    struct callback_source *source = argument;
    struct http_request *request = xcalloc(1, sizeof(*request));
    struct exchange *exchange = &request->exchange;

    exchange->started = clock_microseconds();
    exchange->server = source->server;
    request->connection =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->peer = &request->connection->peer;
    exchange->uri = xstrdup(uri);
    exchange->connection = connection;
    exchange->pause = pause_connection;
    exchange->resume = resume_connection;
    exchange->is_left = is_left;
    request->source = source;
    request->head.length = strlen(uri);
    request->uri = uri;
    request->uri_end = uri + request->head.length;
    return request;
}

static void end_answering(struct http_request *request)
{
    if (request->answering)
        atomic_fetch_sub(&request->source->answering, 1);
    request->answering = false;
}

static void end_replying(struct http_request *request)
{
    if (request->replying)
        atomic_fetch_sub(&request->source->replying, 1);
    request->replying = false;
}

void callback_end(void *argument, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context;

    (void)argument;
    (void)connection;
    if (request == NULL)
        return;
    *context = NULL;
    if (request->exchange.reply.status != 0)
        exchange_log(&request->exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    connections_enter(&request->connection->place, CONNECTION_WAITS, CONNECTIONS_IDLE_SECONDS, 0);
    end_answering(request);
    end_replying(request);
    if (request->form != NULL)
        MHD_destroy_post_processor(request->form);
    exchange_release(&request->exchange);
    free(request);
}

/* The headers that we use, and where their values are stored. */
static const struct {
    const char *name;
    size_t offset; /* in struct exchange */
} known_headers[] = {
    {"Authorization", offsetof(struct exchange, authorization)},
    {"Content-Type", offsetof(struct exchange, content_type)},
    {"If-None-Match", offsetof(struct exchange, known_tags)},
    {"Accept-Encoding", offsetof(struct exchange, encodings)},
    {"Origin", offsetof(struct exchange, origin)},
    {"Cookie", offsetof(struct exchange, cookie)},
    {"CSRFPreventionToken", offsetof(struct exchange, csrf_token)},
    {"Host", offsetof(struct exchange, host)},
    {"Upgrade", offsetof(struct exchange, upgrade)},
    {"Accept", offsetof(struct exchange, accept)},
    {"Last-Event-ID", offsetof(struct exchange, last_event)},
    {"PVEDisableProxy", offsetof(struct exchange, forwarded)},
    {"Sec-WebSocket-Key", offsetof(struct exchange, websocket_key)},
    {"Sec-WebSocket-Version", offsetof(struct exchange, websocket_version)},
    {"Sec-WebSocket-Protocol", offsetof(struct exchange, websocket_protocol)},
};

static enum MHD_Result take_header(void *argument, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct http_request *request = argument;

    (void)kind;
    if (value == NULL)
        value = "";
    head_add(&request->head, name, value);
    for (size_t i = 0; i < COUNT_OF(known_headers); i++)
        if (strcasecmp(name, known_headers[i].name) == 0)
            *(const char **)(void *)((char *)&request->exchange + known_headers[i].offset) = value;
    return MHD_YES;
}

/* MHD_UpgradeHandler. The request stays as long as the connection. */
static void on_upgrade(void *argument, struct MHD_Connection *connection, void *context, const char *bytes,
                       size_t length, int socket, struct MHD_UpgradeResponseHandle *handle)
{
    struct http_request *request = context;

    (void)argument, (void)connection;
    connections_enter(&request->connection->place, CONNECTION_ANSWERS, 0, 0);
    end_replying(request);
    consoles_add(request->source->consoles, TAKE(request->exchange.request.console), socket, handle, bytes,
                 length);
}

static int queue_upgrade(const struct exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, NULL);
    char accept[WEBSOCKET_ACCEPT_SIZE];

    if (response == NULL)
        return -1;
    websocket_accept(exchange->websocket_key, accept);
    MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket");
    MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
    if (exchange->websocket_protocol != NULL)
        MHD_add_response_header(response, "Sec-WebSocket-Protocol", exchange->websocket_protocol);
    enum MHD_Result result = MHD_queue_response(exchange->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    MHD_destroy_response(response);
    return result == MHD_YES ? 0 : -1;
}

static enum MHD_Result send_reply(struct http_request *request)
{
    struct exchange *exchange = &request->exchange;
    const char *origin = exchange_allowed_origin(exchange);

    if (exchange_is_proven(exchange))
        connections_prove(&request->connection->place);
    connections_enter(&request->connection->place,
                      exchange->stream != NULL ? CONNECTION_ANSWERS : CONNECTION_REPLY,
                      CONNECTIONS_REPLY_SECONDS, reply_length(&exchange->reply));
    if (exchange->reply.status == REPLY_UPGRADE) {
        if (queue_upgrade(exchange) != 0)
            return MHD_NO;
    } else if (response_queue(exchange, origin, request->connection->unread) != 0) {
        return MHD_NO;
    }
    request->replying = true;
    atomic_fetch_add(&request->source->replying, 1);
    end_answering(request);
    return MHD_YES;
}

/* Replies with an error before the request has been read to its end, and ends the connection. */
static enum MHD_Result refuse(struct http_request *request, const struct error *err)
{
    request->connection->unread = true;
    exchange_refuse(&request->exchange, err);
    return send_reply(request);
}

/* Where the head ends in the buffer of a libmicrohttpd that leaves it as it was sent. */
static const char *find_end(struct http_request *request)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->exchange.connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return text_starts_with(MHD_get_version(), "0.") ? request->exchange.method + size->header_size : NULL;
}

static bool is_too_long(const struct http_request *request)
{
    unsigned long long length = request->head.content_length;

    return length != REQUEST_LENGTH_UNKNOWN && length > REQUEST_BODY_LIMIT;
}

static enum MHD_Result refuse_length(struct http_request *request)
{
    struct error err;

    error_set(&err, ERROR_TOO_LARGE, "for data too large");
    return refuse(request, &err);
}

/* Counts the request as one whose connection may be suspended; false if the daemon is stopping. */
static bool begin_answering(struct http_request *request)
{
    connections_enter(&request->connection->place, CONNECTION_ANSWERS, 0, 0);
    request->answering = true;
    atomic_fetch_add(&request->source->answering, 1);
    return !request->source->stopping;
}

static enum MHD_Result refuse_at_end(struct http_request *request)
{
    struct error err;

    error_set(&err, ERROR_BUSY, "the daemon is stopping: try again in a moment");
    return refuse(request, &err);
}

static enum MHD_Result take_part(void *argument, enum MHD_ValueKind kind, const char *name,
                                 const char *filename, const char *type, const char *encoding,
                                 const char *data, uint64_t offset, size_t length)
{
    const struct http_request *request = argument;

    (void)kind;
    (void)type;
    (void)encoding;
    upload_add(request->exchange.upload, name, filename, data, offset, length);
    return MHD_YES;
}

/* False: the form has no boundary, or the like. */
static bool begin_form(struct http_request *request)
{
    if (request->exchange.upload == NULL)
        return true;
    request->form = MHD_create_post_processor(request->exchange.connection, FORM_BUFFER, take_part, request);
    return request->form != NULL;
}

static enum MHD_Result admit_body(struct http_request *request)
{
    struct exchange *exchange = &request->exchange;
    struct error err;

    if (!begin_answering(request))
        return refuse_at_end(request);
    if (!exchange_admit_file(exchange, request->head.content_length)) {
        if (is_too_long(request))
            return refuse_length(request);
        exchange_admit_body(exchange, request->head.content_length);
    }
    if (!begin_form(request)) {
        error_set(&err, ERROR_UNREADABLE, "the form in the body has no boundary");
        return refuse(request, &err);
    }
    request->connection->unread = exchange->paused || exchange->reply.status != 0;
    if (request->connection->unread)
        return exchange->paused ? MHD_YES : send_reply(request);
    end_answering(request);
    if (exchange_is_proven(exchange))
        connections_prove(&request->connection->place);
    connections_enter(&request->connection->place, CONNECTION_BODY, CONNECTIONS_BODY_SECONDS, 0);
    return MHD_YES;
}

static enum MHD_Result receive_headers(struct http_request *request, const char *method, const char *version)
{
    struct exchange *exchange = &request->exchange;
    struct head *head = &request->head;
    struct error err;

    request->headers_seen = true;
    exchange->method = method;
    head_begin(head, &(const struct head_line){method, request->uri, request->uri_end, version},
               find_end(request));
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, request);
    if (head_check(head, &err) != 0)
        return refuse(request, &err);
    return head->content_length == 0 ? MHD_YES : admit_body(request);
}

/* libmicrohttpd takes a reply only before or after the body, so the excess of a body is read and dropped, for
 * as long as the slowest client may take for the largest body. */
static enum MHD_Result receive_body(struct http_request *request, const char *data, size_t length)
{
    request->received += length;
    if (request->form != NULL)
        request->form_is_broken |= MHD_post_process(request->form, data, length) != MHD_YES;
    else if (request->received > request->exchange.body_limit)
        return MHD_YES;
    else
        text_append_bytes(&request->exchange.body, data, length);
    connections_enter(&request->connection->place, CONNECTION_BODY, CONNECTIONS_BODY_SECONDS,
                      request->received);
    return MHD_YES;
}

static enum MHD_Result go_on(struct http_request *request)
{
    exchange_serve(&request->exchange);
    return request->exchange.paused ? MHD_YES : send_reply(request);
}

static enum MHD_Result serve(struct http_request *request)
{
    return begin_answering(request) ? go_on(request) : refuse_at_end(request);
}

/* What is cut says so only here. */
static void end_form(struct http_request *request)
{
    if (request->form != NULL)
        request->form_is_broken |= MHD_destroy_post_processor(request->form) != MHD_YES;
    request->form = NULL;
}

static enum MHD_Result answer(struct http_request *request)
{
    struct error err;

    if (request->exchange.reply.status != 0)
        return send_reply(request); /* it was resumed with its reply */
    if (request->answering)
        return go_on(request); /* it was resumed without one */
    if (request->form == NULL && request->received > request->exchange.body_limit)
        return refuse_length(request);
    end_form(request);
    if (request->form_is_broken) {
        error_set(&err, ERROR_UNREADABLE, "the form in the body is cut, or no form");
        return refuse(request, &err);
    }
    return serve(request);
}

enum MHD_Result callback_handle(void *argument, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *length,
                                void **context)
{
    struct http_request *request = *context;

    (void)argument;
    (void)connection;
    (void)url;
    if (!request->headers_seen)
        return receive_headers(request, method, version);
    if (*length == 0)
        return answer(request);
    enum MHD_Result result = receive_body(request, data, *length);
    *length = 0;
    return result;
}
