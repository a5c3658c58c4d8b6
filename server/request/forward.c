/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request whose path names another node of the cluster. */
#include "server/request/forward.h"

#include <stdlib.h>
#include <string.h>

#include "access/login.h"
#include "base/memory.h"
#include "cluster/forward.h"
#include "cluster/member.h"
#include "server/request/authenticate.h"

#define HEADERS      10
#define LENT_SECONDS 30

static bool cannot_be_forwarded(const struct exchange *exchange, const struct endpoint *endpoint)
{
    bool streams = exchange->accept != NULL && strstr(exchange->accept, "text/event-stream") != NULL;

    return exchange->upload != NULL || (endpoint->upgrades && exchange->upgrade != NULL) || streams;
}

int forward_find(struct exchange *exchange, const struct endpoint *endpoint, const json_t *params,
                 struct error *err)
{
    const struct server *server = exchange->server;
    const char *name = json_string_value(json_object_get(params, "node"));

    if (route_check_node(&server->routes, endpoint, params, err) == 0)
        return 0;
    autojson json_t *target =
        server->service->members != NULL ? members_find(server->service->members, name) : NULL;
    if (target == NULL)
        return -1;
    const char *url = json_string_value(json_object_get(target, "url"));
    if (exchange->forwarded != NULL)
        return error_set(err, ERROR_FAILED, "proxy loop detected");
    if (json_object_get(target, "pin") == NULL)
        return error_set(err, ERROR_NO_HOST,
                         "the node '%s' has not published its key, so that whoever answers could be another: "
                         "upgrade it, or ask it itself",
                         name);
    if (url == NULL || cannot_be_forwarded(exchange, endpoint))
        return error_set(err, ERROR_NO_HOST,
                         "files, consoles and streams are not forwarded: ask the node '%s' itself, at %s",
                         name, url != NULL ? url : "its address");
    exchange->target = TAKE(target);
    return 0;
}

struct headers {
    const char *list[HEADERS + 1];
    char *owned[HEADERS];
    size_t count;
};

static void cleanup_headers(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        free(headers->owned[i]);
}

static void add(struct headers *headers, const char *name, const char *value)
{
    if (value == NULL || headers->count == HEADERS)
        return;
    char *line = xasprintf("%s: %s", name, value);
    headers->owned[headers->count] = line;
    headers->list[headers->count++] = line;
}

/* In a cookie, base64's + must not become a blank. */
static char *encode(const char *ticket)
{
    struct text text = {0};

    for (; *ticket != '\0'; ticket++)
        if (strchr("+=/%", *ticket) != NULL)
            text_printf(&text, "%%%02X", (unsigned char)*ticket);
        else
            text_append_bytes(&text, ticket, 1);
    return text_take(&text);
}

static int add_ticket(const struct exchange *exchange, struct headers *headers, struct error *err)
{
    autojson json_t *lent = NULL;

    if (login_lend(exchange->server->service->access, exchange->request.caller.user, LENT_SECONDS, &lent,
                   err) != 0)
        return -1;
    autofree char *encoded = encode(json_string_value(json_object_get(lent, "ticket")));
    autofree char *cookie = xasprintf("PVEAuthCookie=%s", encoded);
    add(headers, "Cookie", cookie);
    add(headers, "CSRFPreventionToken", json_string_value(json_object_get(lent, "CSRFPreventionToken")));
    return 0;
}

static int add_headers(const struct exchange *exchange, struct headers *headers, struct error *err)
{
    add(headers, "PVEDisableProxy", "true");
    add(headers, "PVEClientIP", exchange->peer->local ? "127.0.0.1" : exchange->peer->address);
    add(headers, "Content-Type", exchange->content_type);
    if (!authenticate_is_tried(exchange))
        return add_ticket(exchange, headers, err);
    add(headers, "Authorization", exchange->authorization);
    add(headers, "Cookie", exchange->cookie);
    add(headers, "CSRFPreventionToken", exchange->csrf_token);
    return 0;
}

static void refuse(struct exchange *exchange, const struct error *err)
{
    reply_error(&exchange->reply, err, NULL, exchange->decoded.format);
    if (err->reason >= FORWARD_CONNECT && err->reason <= FORWARD_OTHER)
        exchange->reply.status = (unsigned)err->reason;
}

static int run(struct exchange *exchange, struct error *err)
{
    __attribute__((cleanup(cleanup_headers))) struct headers headers = {0};
    __attribute__((cleanup(forward_reply_release))) struct forward_reply reply = {0};
    const json_t *target = exchange->target;
    const struct forward_call call = {.url = json_string_value(json_object_get(target, "url")),
                                      .pin = json_string_value(json_object_get(target, "pin")),
                                      .method = method_names[exchange->decoded.method],
                                      .uri = exchange->uri,
                                      .headers = headers.list,
                                      .body = text_string(&exchange->body),
                                      .length = exchange->body.length};

    if (!json_is_true(json_object_get(target, "online")))
        return error_set_reason(err, ERROR_NO_HOST, FORWARD_CONNECT, "the node '%s' is offline",
                                json_string_value(json_object_get(target, "name")));
    if (add_headers(exchange, &headers, err) != 0 ||
        forward_run(exchange->server->forwarder, &call, &reply, err) != 0)
        return -1;
    reply_forwarded(&exchange->reply, &reply);
    return 0;
}

static void run_and_resume(void *argument)
{
    struct exchange *exchange = argument;
    struct error err;

    if (run(exchange, &err) != 0)
        refuse(exchange, &err);
    else
        reply_pack(&exchange->reply, exchange->encodings);
    exchange->resume(exchange);
}

void forward_serve(struct exchange *exchange)
{
    const char *node = json_string_value(json_object_get(exchange->target, "name"));
    struct error err;

    exchange_pause(exchange);
    if (worker_pool_submit(exchange->server->forwards, node, run_and_resume, exchange, &err) == 0)
        return;
    refuse(exchange, &err);
    exchange->resume(exchange);
}
