/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is decided when the headers are there and the body is not: how long it may be, and whether it is a
 * file. */
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "server/request/authenticate.h"
#include "server/request/exchange.h"
#include "server/request/request.h"

/* Root on this host is not limited, since root could also stop the daemon. */
static int reserve(struct exchange *exchange, struct error *err)
{
    struct server *server = exchange->server;

    if (peer_is_root(exchange->peer, server->owner))
        return 0;
    return budget_take(&server->bodies, &exchange->reserved, exchange->sender.user, exchange->body_limit,
                       err);
}

void exchange_admit_body(struct exchange *exchange, unsigned long long length)
{
    struct error err;

    exchange->body_limit = EXCHANGE_SMALL_BODY;
    int result = authenticate_caller(exchange, NULL, &exchange->sender, &err);
    if (length <= EXCHANGE_SMALL_BODY || (result != 0 && length == REQUEST_LENGTH_UNKNOWN))
        return;
    if (result == 0) {
        exchange->body_limit = length < REQUEST_BODY_LIMIT ? (size_t)length : REQUEST_BODY_LIMIT;
        if (reserve(exchange, &err) != 0)
            exchange_refuse(exchange, &err);
    } else if (authenticate_is_tried(exchange)) {
        exchange_refuse_unprepared(exchange, &err, NULL);
    } else {
        error_set(&err, ERROR_TOO_LARGE,
                  "for data too large: without a ticket or token at most %zu bytes are accepted",
                  EXCHANGE_SMALL_BODY);
        exchange_refuse(exchange, &err);
    }
}

/* Everybody's files go to one disk. */
static int take_place(struct exchange *exchange, struct error *err)
{
    struct server *server = exchange->server;

    if (atomic_fetch_add(&server->uploads, 1) < EXCHANGE_UPLOADS ||
        peer_is_root(exchange->peer, server->owner))
        return 0;
    atomic_fetch_sub(&server->uploads, 1);
    return error_set(err, ERROR_BUSY, "%d files are being uploaded already: try again later",
                     EXCHANGE_UPLOADS);
}

/* The steps before the handler, as far as they need no body. */
static int admit_file(struct exchange *exchange, const struct endpoint *endpoint, json_t *params,
                      unsigned long long length, struct error *err)
{
    struct server *server = exchange->server;
    struct request request = {.endpoint = endpoint, .service = server->service, .params = params};

    if (exchange_check_caller(exchange, endpoint, params, err) != 0 ||
        route_check_node(&server->routes, endpoint, params, err) != 0)
        return -1;
    exchange->sender = request.caller = exchange->request.caller;
    if (length == REQUEST_LENGTH_UNKNOWN)
        return error_set(err, ERROR_UNREADABLE, "a file is taken only with a Content-Length");
    if (endpoint->admit_file(&request, length, err) != 0 || take_place(exchange, err) != 0)
        return -1;
    if (upload_begin(server->service->paths.store, &exchange->upload, err) == 0)
        return 0;
    atomic_fetch_sub(&server->uploads, 1);
    return -1;
}

bool exchange_admit_file(struct exchange *exchange, unsigned long long length)
{
    static const char multipart[] = "multipart/form-data";
    struct decoded decoded = {0};
    const struct endpoint *endpoint = NULL;
    struct error err;

    if (exchange->content_type == NULL || strcmp(exchange->method, "POST") != 0 ||
        strncasecmp(exchange->content_type, multipart, strlen(multipart)) != 0 ||
        request_decode(exchange->method, exchange->uri, NULL, "", 0, &decoded, &err) != 0)
        return false;
    bool takes =
        route_find(&exchange->server->routes, &decoded, &endpoint, &err) == 0 && endpoint->admit_file != NULL;
    if (takes && admit_file(exchange, endpoint, decoded.params, length, &err) != 0)
        exchange_refuse_unprepared(exchange, &err, NULL);
    decoded_release(&decoded);
    exchange->body_limit = 0;
    return takes;
}
