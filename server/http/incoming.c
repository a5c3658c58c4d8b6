/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting a request from libmicrohttpd's callbacks, and sending its reply. */
#include "server/http/incoming.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "server/http/http.h"

#define BODY_SECONDS 60 /* from the request line to the last byte of the body */

/* The exchange, and how much of its request has come. */
struct incoming {
    struct exchange exchange;
    struct peer *peer;
    const char *uri_end; /* in libmicrohttpd's buffer */
    atomic_uint *active;
    bool headers_seen;
    unsigned header_count;
    size_t head_length;
    unsigned length_count; /* headers that say how long the body is */
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

/* The first thing that is heard of a request: its URI as it was sent. */
void *incoming_begin(void *argument, const char *uri, struct MHD_Connection *connection)
{
    const struct incoming_source *source = argument;
    struct incoming *incoming = xcalloc(1, sizeof(*incoming));
    struct exchange *exchange = &incoming->exchange;

    clock_gettime(CLOCK_MONOTONIC, &exchange->started);
    exchange->house = source->house;
    incoming->peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->peer = incoming->peer;
    exchange->uri = xstrdup(uri);
    exchange->connection = connection;
    exchange->pause = pause_connection;
    exchange->resume = resume_connection;
    incoming->active = source->active;
    incoming->head_length = strlen(uri);
    incoming->uri_end = uri + incoming->head_length;
    atomic_fetch_add(source->active, 1);
    return incoming;
}

void incoming_end(void *argument, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code)
{
    struct incoming *incoming = *context;

    (void)argument;
    (void)connection;
    if (incoming == NULL)
        return;
    *context = NULL;
    if (incoming->exchange.reply.status != 0)
        exchange_log(&incoming->exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    atomic_fetch_sub(incoming->active, 1);
    exchange_release(&incoming->exchange);
    free(incoming);
}

/* The headers that count, and where they go. */
static const struct {
    const char *name;
    size_t place; /* in struct exchange */
} known_headers[] = {
    {"Authorization", offsetof(struct exchange, authorization)},
    {"Content-Type", offsetof(struct exchange, content_type)},
    {"If-None-Match", offsetof(struct exchange, known_tags)},
    {"Accept-Encoding", offsetof(struct exchange, encodings)},
    {"Origin", offsetof(struct exchange, origin)},
    {"Cookie", offsetof(struct exchange, cookie)},
    {"CSRFPreventionToken", offsetof(struct exchange, csrf_token)},
};

static void see_length(struct incoming *incoming, const char *name, const char *value)
{
    bool length = strcasecmp(name, "Content-Length") == 0;

    if (length || strcasecmp(name, "Transfer-Encoding") == 0)
        incoming->length_count++;
    if (length && !text_to_number(value, 10, ~0ULL, &incoming->content_length))
        incoming->content_length = ~0ULL;
}

static enum MHD_Result see_header(void *argument, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct incoming *incoming = argument;

    (void)kind;
    if (value == NULL)
        value = "";
    incoming->header_count++;
    incoming->head_length += strlen(name) + strlen(value) + strlen(": \r\n");
    see_length(incoming, name, value);
    for (size_t i = 0; i < COUNT_OF(known_headers); i++)
        if (strcasecmp(name, known_headers[i].name) == 0)
            *(const char **)(void *)((char *)&incoming->exchange + known_headers[i].place) = value;
    return MHD_YES;
}

/* A NUL byte ends the URI for libmicrohttpd, which takes the request line apart in place: then something else
 * than blanks stands between the URI and the version. */
static bool is_cut(const struct incoming *incoming, const char *version)
{
    const char *c = incoming->uri_end;

    while (c < version && (*c == '\0' || *c == ' '))
        c++;
    return c < version;
}

static int check_head(const struct incoming *incoming, const char *version, struct error *err)
{
    if (is_cut(incoming, version))
        return error_set(err, ERROR_UNREADABLE, "the request line holds a NUL byte, which is never valid");
    if (incoming->length_count > 1)
        return error_set(
            err, ERROR_UNREADABLE,
            "the length of the body is given more than once (Content-Length, Transfer-Encoding)");
    if (incoming->header_count > HTTP_HEADER_LIMIT)
        return error_set(err, ERROR_UNREADABLE, "too many header lines: %u, at most %d are allowed",
                         incoming->header_count, HTTP_HEADER_LIMIT);
    if (incoming->head_length > HTTP_HEAD_LIMIT)
        return error_set(err, ERROR_UNREADABLE,
                         "request line and headers are too long: %zu bytes, at most %d",
                         incoming->head_length, HTTP_HEAD_LIMIT);
    if (incoming->content_length > REQUEST_BODY_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "for data too large");
    return 0;
}

static enum MHD_Result send_reply(struct incoming *incoming)
{
    struct exchange *exchange = &incoming->exchange;

    const char *origin = exchange_allowed_origin(exchange);

    return reply_queue(&exchange->reply, origin, exchange->connection) == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result see_headers(struct incoming *incoming, const char *method, const char *version)
{
    struct exchange *exchange = &incoming->exchange;
    struct error err;

    incoming->headers_seen = true;
    exchange->method = method;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, see_header, incoming);
    if (check_head(incoming, version, &err) == 0)
        return MHD_YES;
    incoming->peer->unread = true;
    exchange_refuse(exchange, &err);
    return send_reply(incoming);
}

static bool is_late(const struct exchange *exchange)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - exchange->started.tv_sec > BODY_SECONDS;
}

/* A reply can only be given before the body or after it; so what is too much is dropped, for a while. */
static enum MHD_Result see_body(struct incoming *incoming, const char *data, size_t length)
{
    if (is_late(&incoming->exchange))
        return MHD_NO;
    incoming->received += length;
    if (incoming->received <= REQUEST_BODY_LIMIT)
        text_append_bytes(&incoming->exchange.body, data, length);
    return MHD_YES;
}

static enum MHD_Result answer(struct incoming *incoming)
{
    struct exchange *exchange = &incoming->exchange;
    struct error err;

    if (exchange->reply.status != 0)
        return send_reply(incoming); /* resumed */
    if (incoming->received > REQUEST_BODY_LIMIT) {
        error_set(&err, ERROR_TOO_LARGE, "for data too large");
        exchange_refuse(exchange, &err);
        return send_reply(incoming);
    }
    exchange_serve(exchange);
    return exchange->paused ? MHD_YES : send_reply(incoming);
}

enum MHD_Result incoming_handle(void *argument, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *length,
                                void **context)
{
    struct incoming *incoming = *context;

    (void)argument;
    (void)connection;
    (void)url;
    if (!incoming->headers_seen)
        return see_headers(incoming, method, version);
    if (*length == 0)
        return answer(incoming);
    enum MHD_Result result = see_body(incoming, data, *length);
    *length = 0;
    return result;
}
