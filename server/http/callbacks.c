/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects a request from libmicrohttpd's callbacks, and sends its reply. */
#include "server/http/callbacks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "server/http/http.h"
#include "server/http/response.h"

#define BODY_SECONDS 60 /* from the request line to the last byte of the body */

/* An exchange, and what has come of its request so far. */
struct http_request {
    struct exchange exchange;
    struct http_connection *connection;
    const char *uri_end; /* where the URI ends in libmicrohttpd's buffer */
    atomic_uint *active;
    bool headers_seen;
    unsigned header_count;
    size_t head_length;
    unsigned length_count; /* of headers that say how long the body is */
    unsigned long long content_length;
    size_t received;
};

static void pause_connection(struct exchange *exchange)
{
    MHD_suspend_connection(exchange->connection);
}

static void resume_connection(struct exchange *exchange)
{
    MHD_resume_connection(exchange->connection);
}

void *callback_begin(void *argument, const char *uri, struct MHD_Connection *connection)
{
    const struct callback_source *source = argument;
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
    request->active = source->active;
    request->head_length = strlen(uri);
    request->uri_end = uri + request->head_length;
    atomic_fetch_add(source->active, 1);
    return request;
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
    atomic_fetch_sub(request->active, 1);
    exchange_release(&request->exchange);
    free(request);
}

/* The headers that are used, and where their values go. */
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
};

static void count_length(struct http_request *request, const char *name, const char *value)
{
    bool length = strcasecmp(name, "Content-Length") == 0;

    if (length || strcasecmp(name, "Transfer-Encoding") == 0)
        request->length_count++;
    if (length && !text_to_number(value, 10, ~0ULL, &request->content_length))
        request->content_length = ~0ULL;
}

static enum MHD_Result take_header(void *argument, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct http_request *request = argument;

    (void)kind;
    if (value == NULL)
        value = "";
    request->header_count++;
    request->head_length += strlen(name) + strlen(value) + strlen(": \r\n");
    count_length(request, name, value);
    for (size_t i = 0; i < COUNT_OF(known_headers); i++)
        if (strcasecmp(name, known_headers[i].name) == 0)
            *(const char **)(void *)((char *)&request->exchange + known_headers[i].offset) = value;
    return MHD_YES;
}

/* libmicrohttpd takes the request line apart in place, and for it a NUL byte ends the URI. Then something
 * other than blanks lies between the URI and the version. */
static bool has_nul_in_uri(const struct http_request *request, const char *version)
{
    const char *c = request->uri_end;

    while (c < version && (*c == '\0' || *c == ' '))
        c++;
    return c < version;
}

static int check_head(const struct http_request *request, const char *version, struct error *err)
{
    if (has_nul_in_uri(request, version))
        return error_set(err, ERROR_UNREADABLE, "the request line holds a NUL byte, which is never valid");
    if (request->length_count > 1)
        return error_set(
            err, ERROR_UNREADABLE,
            "the length of the body is given more than once (Content-Length, Transfer-Encoding)");
    if (request->header_count > HTTP_HEADER_LIMIT)
        return error_set(err, ERROR_UNREADABLE, "too many header lines: %u, at most %d are allowed",
                         request->header_count, HTTP_HEADER_LIMIT);
    if (request->head_length > HTTP_HEAD_LIMIT)
        return error_set(err, ERROR_UNREADABLE,
                         "request line and headers are too long: %zu bytes, at most %d", request->head_length,
                         HTTP_HEAD_LIMIT);
    if (request->content_length > REQUEST_BODY_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "for data too large");
    return 0;
}

static enum MHD_Result send_reply(struct http_request *request)
{
    struct exchange *exchange = &request->exchange;

    const char *origin = exchange_allowed_origin(exchange);

    return response_queue(&exchange->reply, origin, exchange->connection) == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result receive_headers(struct http_request *request, const char *method, const char *version)
{
    struct exchange *exchange = &request->exchange;
    struct error err;

    request->headers_seen = true;
    exchange->method = method;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, request);
    if (check_head(request, version, &err) == 0)
        return MHD_YES;
    request->connection->unread = true;
    exchange_refuse(exchange, &err);
    return send_reply(request);
}

/* libmicrohttpd takes a reply only before the body or after it, so the excess is read, and dropped, for a
 * while. */
static enum MHD_Result receive_body(struct http_request *request, const char *data, size_t length)
{
    if (clock_microseconds() - request->exchange.started > BODY_SECONDS * 1000000LL)
        return MHD_NO;
    request->received += length;
    if (request->received <= REQUEST_BODY_LIMIT)
        text_append_bytes(&request->exchange.body, data, length);
    return MHD_YES;
}

static enum MHD_Result answer(struct http_request *request)
{
    struct exchange *exchange = &request->exchange;
    struct error err;

    if (exchange->reply.status != 0)
        return send_reply(request); /* it was resumed with its reply */
    if (request->received > REQUEST_BODY_LIMIT) {
        error_set(&err, ERROR_TOO_LARGE, "for data too large");
        exchange_refuse(exchange, &err);
        return send_reply(request);
    }
    exchange_serve(exchange);
    return exchange->paused ? MHD_YES : send_reply(request);
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
