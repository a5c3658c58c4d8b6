/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request, its reply, and the steps from the one to the other. */
#include "server/request/exchange.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/access.h"
#include "base/memory.h"
#include "schema/validate.h"
#include "server/request/asset.h"
#include "server/request/authenticate.h"
#include "server/request/credential.h"
#include "server/request/forward.h"
#include "server/request/login.h"
#include "server/request/request.h"

static bool is_get(const struct exchange *exchange)
{
    return strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0;
}

/* Leaves out the body if the client has it already; else compresses it if the client accepts that. */
static void negotiate(struct exchange *exchange)
{
    if (is_get(exchange))
        reply_tag(&exchange->reply, exchange->known_tags);
    reply_pack(&exchange->reply, exchange->encodings);
}

static void submit(void *argument);

/* Sends the reply that the exchange has, also to those that have waited for it. */
static void finish(void *argument)
{
    struct exchange *exchange = argument, *next = NULL;

    if (exchange->gathered != NULL) {
        for (struct exchange *waiter = gather_end(exchange, &next), *after; waiter != NULL; waiter = after) {
            after = waiter->next_waiter;
            reply_share(&waiter->reply, &exchange->reply);
            negotiate(waiter);
            waiter->resume(waiter);
        }
    }
    exchange->resume(exchange);
    if (next != NULL)
        submit(next);
}

void exchange_pause(struct exchange *exchange)
{
    if (exchange->paused)
        return;
    exchange->paused = true;
    exchange->pause(exchange);
}

int exchange_check_caller(struct exchange *exchange, const struct endpoint *endpoint, const json_t *params,
                          struct error *err)
{
    struct identity *caller = &exchange->request.caller;

    if (endpoint->no_tokens && authenticate_is_by_token(exchange))
        return error_set(err, ERROR_FORBIDDEN, "API tokens may not call this: log in with a password");
    if (endpoint->own_page && exchange_is_of_foreign_page(exchange))
        return error_set(err, ERROR_FORBIDDEN,
                         "a page of '%.200s' may not call this: name it by --cors of `hostpci serve`",
                         exchange->origin);
    if (endpoint->permission.kind == PERMISSION_WORLD)
        return 0;
    if (authenticate_caller(exchange, endpoint, caller, err) != 0)
        return -1;
    return access_check(exchange->server->service->access, caller, &endpoint->permission, params, err);
}

static void set_request(struct exchange *exchange, const struct endpoint *endpoint, json_t *params)
{
    exchange->request.endpoint = endpoint;
    exchange->request.service = exchange->server->service;
    exchange->request.params = params;
}

static bool is_current(struct exchange *exchange, uint64_t version)
{
    uint64_t now;

    return exchange->request.endpoint->version(&exchange->request, &now) && now == version;
}

/* A URI with _dc, which is the time of day, is never requested again. */
static bool may_be_cached(const struct exchange *exchange)
{
    return is_get(exchange) && exchange->body.length == 0 && strstr(exchange->uri, "_dc=") == NULL;
}

/* The short way, for a URI that was requested before. A request for which it does not work goes the long way,
 * which also finds the error text. */
static bool reply_from_cache(struct exchange *exchange)
{
    struct cached_reply *cached =
        may_be_cached(exchange) ? reply_cache_find(exchange->server->cache, exchange->uri) : NULL;
    struct error err;

    if (cached == NULL)
        return false;
    exchange->cached = cached;
    set_request(exchange, cached_reply_endpoint(cached), cached_reply_params(cached));
    if (exchange_check_caller(exchange, cached_reply_endpoint(cached), cached_reply_params(cached), &err) !=
            0 ||
        !cached_reply_is_for(cached, &exchange->request.caller) ||
        !is_current(exchange, cached_reply_version(cached))) {
        exchange->request = (struct request){0};
        return false;
    }
    reply_cached(&exchange->reply, reply_body_share(cached_reply_body(cached)));
    negotiate(exchange);
    return true;
}

/* All the steps before the handler. */
static int prepare(struct exchange *exchange, json_t **ret_errors, struct error *err)
{
    const struct routes *routes = &exchange->server->routes;
    struct decoded *decoded = &exchange->decoded;
    const struct endpoint *endpoint;

    int result = request_decode(exchange->method, exchange->uri, exchange->content_type,
                                text_string(&exchange->body), exchange->body.length, decoded, err);
    if (result != 0)
        return -1;
    if (exchange->upload != NULL && upload_finish(exchange->upload, decoded->params, err) != 0)
        return -1;
    if (route_find(routes, decoded, &endpoint, err) != 0)
        return -1;
    if (exchange_check_caller(exchange, endpoint, decoded->params, err) != 0)
        return -1;
    if (forward_find(exchange, endpoint, decoded->params, err) != 0)
        return -1;
    if (exchange->target != NULL) {
        set_request(exchange, endpoint, decoded->params);
        return 0;
    }
    text_release(&exchange->body);
    if (validate_parameters(endpoint->parameters, decoded->params, ret_errors, err) != 0)
        return -1;
    set_request(exchange, endpoint, decoded->params);
    if (endpoint->no_tokens && credential_find(exchange->cookie, exchange->authorization,
                                               &exchange->request.ticket) != CREDENTIAL_TICKET)
        free(TAKE(exchange->request.ticket));
    exchange->request.file = exchange->upload != NULL ? upload_name(exchange->upload) : NULL;
    return 0;
}

/* A page of another server must not open a console with the user's cookie. */
static int check_origin(const struct exchange *exchange, struct error *err)
{
    if (!exchange_is_of_foreign_page(exchange))
        return 0;
    return error_set(err, ERROR_FORBIDDEN,
                     "a page of '%.200s' may not open a console here: name it by --cors of `hostpci serve`",
                     exchange->origin);
}

static int ask_for_upgrade(struct exchange *exchange, struct error *err)
{
    if (!exchange->request.endpoint->upgrades || exchange->upgrade == NULL ||
        strcasecmp(exchange->upgrade, "websocket") != 0 || exchange->websocket_key == NULL ||
        exchange->websocket_version == NULL || strcmp(exchange->websocket_version, "13") != 0)
        return 0;
    exchange->request.upgrades = true;
    return check_origin(exchange, err);
}

/* A browser's EventSource says so, and others can; whoever does not gets a list. */
static void ask_for_stream(struct exchange *exchange)
{
    if (exchange->accept != NULL && strcasestr(exchange->accept, "text/event-stream") != NULL)
        exchange->request.last_event = exchange->last_event != NULL ? exchange->last_event : "";
}

static bool run_handler(struct exchange *exchange)
{
    json_t *data = NULL;
    struct error err;

    ask_for_stream(exchange);
    if (ask_for_upgrade(exchange, &err) != 0 || request_run(&exchange->request, &data, &err) != 0 ||
        (exchange->request.streams && stream_begin(exchange, &err) != 0)) {
        if (err.kind == ERROR_LOGIN)
            exchange->login_failure = xstrdup(err.message);
        reply_error(&exchange->reply, &err, NULL, exchange->decoded.format);
        return false;
    }
    if (exchange->request.console != NULL)
        reply_upgrade(&exchange->reply, data);
    else if (exchange->request.streams)
        reply_stream(&exchange->reply);
    else if (exchange->request.file_name[0] != '\0')
        reply_download(&exchange->reply, data, exchange->request.file_name);
    else if (exchange->request.endpoint->text_type != NULL)
        reply_text(&exchange->reply, data, exchange->request.endpoint->text_type);
    else
        reply_data(&exchange->reply, data, exchange->request.total, exchange->decoded.format);
    if (exchange->request.new_ticket != NULL)
        reply_set_ticket(&exchange->reply, exchange->request.new_ticket);
    return true;
}

/* `version` is from before the handler ran. If the version is another one by now, nobody can tell which of
 * the two the reply shows, so it is sent to those who wait for it, but does not go into the cache. */
static void make_and_share(struct exchange *exchange, uint64_t version, struct making *making)
{
    bool made = run_handler(exchange);

    if (made && is_current(exchange, version))
        reply_cache_put(exchange->server->cache, exchange->uri,
                        cached_reply_new(&exchange->request, version, exchange->reply.body));
    for (struct exchange *waiter = coalesce_end(making), *next; waiter != NULL; waiter = next) {
        next = waiter->next_waiter;
        if (made) {
            reply_cached(&waiter->reply, reply_body_share(exchange->reply.body));
            negotiate(waiter);
            finish(waiter);
        } else {
            waiter->resume(waiter); /* exchange_serve goes on with it */
        }
    }
}

/* False: another request is making the reply. The exchange waits for it, and must not be touched any more. */
static bool run_request(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    enum coalesce_result result = COALESCE_FOUND;
    struct making making;
    uint64_t version;

    if (request->endpoint->version == NULL || !may_be_cached(exchange) ||
        !request->endpoint->version(request, &version))
        run_handler(exchange);
    else
        result = coalesce_begin(&making, exchange, version);
    if (result == COALESCE_WAITS)
        return false;
    if (result == COALESCE_MAKE)
        make_and_share(exchange, version, &making);
    negotiate(exchange);
    return true;
}

static void run_and_finish(void *argument)
{
    struct exchange *exchange = argument;

    if (exchange->gathered != NULL)
        gather_begin(exchange);
    if (run_request(exchange))
        login_wait_after(exchange, finish);
}

/* NULL: root on this host. Strangers are counted by where they come from. */
static const char *name_caller(const struct exchange *exchange)
{
    const char *user = exchange->request.caller.user;

    if (peer_is_root(exchange->peer, exchange->server->owner))
        return NULL;
    return user[0] != '\0' ? user : exchange->peer->network;
}

/* Requests that hash a password have threads of their own, because hashing is slow by design. */
static struct worker_pool *choose_pool(const struct exchange *exchange)
{
    const struct endpoint *endpoint = exchange->request.endpoint;
    bool hashes =
        endpoint->hashes != NULL && json_object_get(exchange->request.params, endpoint->hashes) != NULL;

    return endpoint->login || hashes ? exchange->server->logins : exchange->server->workers;
}

static void submit(void *argument)
{
    struct exchange *exchange = argument;
    struct error err;

    if (worker_pool_submit(choose_pool(exchange), name_caller(exchange), run_and_finish, exchange, &err) == 0)
        return;
    exchange_refuse(exchange, &err);
    login_wait_after(exchange, finish);
}

static void run_in_worker(struct exchange *exchange)
{
    bool waits = false;
    struct error err;

    exchange_pause(exchange);
    if (is_get(exchange) && !exchange->request.endpoint->upgrades && !exchange->request.endpoint->no_tokens &&
        exchange->gathered == NULL && !gather_join(exchange))
        return;
    if (exchange->request.endpoint->login && login_wait_before(exchange, submit, &waits, &err) != 0) {
        exchange_refuse(exchange, &err);
        finish(exchange);
    } else if (!waits) {
        submit(exchange);
    }
}

/* A wrong credential is refused late, so that guessing is slow. If many refusals wait for an address already,
 * further ones are sent at once: waiting connections cost us more than attempts at a secret that cannot be
 * guessed anyway. */
static void refuse_slowly(struct exchange *exchange)
{
    const struct throttle_key key = {exchange->peer->network, "", exchange->peer->local};

    exchange_pause(exchange);
    if (!throttle_add(exchange->server->throttle, &key, finish, exchange))
        exchange->resume(exchange);
}

void exchange_refuse(struct exchange *exchange, const struct error *err)
{
    reply_error(&exchange->reply, err, NULL, request_format(exchange->uri));
}

const char *exchange_allowed_origin(const struct exchange *exchange)
{
    const char *const *origin = exchange->origin != NULL ? exchange->server->origins : NULL;

    while (origin != NULL && *origin != NULL && strcmp(*origin, exchange->origin) != 0)
        origin++;
    return origin != NULL ? *origin : NULL;
}

bool exchange_is_of_foreign_page(const struct exchange *exchange)
{
    const char *origin = exchange->origin, *host = exchange->host;
    const char *shown = origin != NULL ? strstr(origin, "://") : NULL;

    return origin != NULL && exchange_allowed_origin(exchange) == NULL &&
           (shown == NULL || host == NULL || strcasecmp(shown + strlen("://"), host) != 0);
}

/* OPTIONS needs no login: browsers send it without one, before they let a page of another server call us. */
static void reply_to_options(struct exchange *exchange)
{
    struct decoded *decoded = &exchange->decoded;
    struct error err;

    if (request_decode(method_names[METHOD_GET], exchange->uri, NULL, "", 0, decoded, &err) != 0) {
        exchange_refuse(exchange, &err);
        return;
    }
    autofree char *methods = route_list_methods(&exchange->server->routes, decoded->path);
    if (methods != NULL) {
        reply_methods(&exchange->reply, methods);
        return;
    }
    error_set(&err, ERROR_NO_METHOD, "Method 'OPTIONS %.300s' not implemented", decoded->path);
    exchange_refuse(exchange, &err);
}

/* A caller who is not let in gets no body. (A login that fails in its handler is a 401, too, but has one.) A
 * request without any credential is refused at once, because it does not guess anything. */
void exchange_refuse_unprepared(struct exchange *exchange, const struct error *err, const json_t *errors)
{
    if (err->kind != ERROR_UNAUTHENTICATED) {
        reply_error(&exchange->reply, err, errors, request_format(exchange->uri));
        return;
    }
    reply_unauthenticated(&exchange->reply, err);
    decoded_release(&exchange->decoded);
    text_release(&exchange->body);
    if (authenticate_is_tried(exchange))
        refuse_slowly(exchange);
}

bool exchange_is_proven(const struct exchange *exchange)
{
    return exchange->request.caller.user[0] != '\0' || exchange->sender.user[0] != '\0';
}

static void start_request(struct exchange *exchange)
{
    if (exchange->target != NULL)
        forward_serve(exchange);
    else if (exchange->request.endpoint->may_block)
        run_in_worker(exchange);
    else
        run_request(exchange);
}

void exchange_serve(struct exchange *exchange)
{
    autojson json_t *errors = NULL;
    struct error err;

    exchange->paused = false;
    if (exchange->request.endpoint != NULL) { /* it waited for another request, which failed */
        start_request(exchange);
        return;
    }
    if (asset_serve(exchange->method, exchange->uri, exchange->known_tags, &exchange->reply))
        reply_pack(&exchange->reply, exchange->encodings);
    else if (strcmp(exchange->method, "OPTIONS") == 0)
        reply_to_options(exchange);
    else if (reply_from_cache(exchange))
        return;
    else if (prepare(exchange, &errors, &err) != 0)
        exchange_refuse_unprepared(exchange, &err, errors);
    else
        start_request(exchange);
}

void exchange_release(struct exchange *exchange)
{
    if (exchange->upload != NULL)
        atomic_fetch_sub(&exchange->server->uploads, 1);
    stream_end(exchange);
    upload_free(exchange->upload, exchange->request.file_taken);
    decoded_release(&exchange->decoded);
    cached_reply_release(exchange->cached);
    request_console_free(exchange->request.console);
    free(exchange->request.ticket);
    free(exchange->request.new_ticket);
    reply_release(&exchange->reply);
    text_release(&exchange->body);
    budget_give(&exchange->server->bodies, &exchange->reserved);
    json_decref(exchange->target);
    free(exchange->login_failure);
    free(exchange->uri);
}
