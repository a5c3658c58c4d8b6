/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request and its reply, and the steps between them. */
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/memory.h"
#include "schema/validate.h"
#include "server/asset.h"
#include "server/authenticate.h"
#include "server/request.h"

static void resume(void *argument)
{
    struct exchange *exchange = argument;

    exchange->resume(exchange);
}

static void pause_exchange(struct exchange *exchange)
{
    exchange->paused = true;
    exchange->pause(exchange);
}

static int check_caller(struct exchange *exchange, const struct endpoint *endpoint, struct error *err)
{
    struct identity *caller = &exchange->request.caller;

    if (endpoint->permission.kind == PERMISSION_WORLD)
        return 0;
    if (authenticate(exchange, caller, err) != 0)
        return -1;
    return access_check(exchange->house->service->access, caller, &endpoint->permission,
                        exchange->decoded.params, err);
}

/* Everything before the handler. */
static int prepare(struct exchange *exchange, json_t **ret_errors, struct error *err)
{
    const struct routes *routes = &exchange->house->routes;
    struct decoded *decoded = &exchange->decoded;
    const struct endpoint *endpoint;

    if (request_decode(exchange->method, exchange->uri, exchange->content_type, text_string(&exchange->body),
                       exchange->body.length, decoded, err) != 0 ||
        router_find(routes, decoded, &endpoint, err) != 0 || check_caller(exchange, endpoint, err) != 0 ||
        router_check_node(routes, endpoint, decoded->params, err) != 0 ||
        validate_parameters(endpoint->parameters, decoded->params, ret_errors, err) != 0)
        return -1;
    exchange->request.endpoint = endpoint;
    exchange->request.service = exchange->house->service;
    exchange->request.params = decoded->params;
    return 0;
}

/* What keeps a reply apart from others of its endpoint; NULL: it is not to be kept. */
static char *kept_name(struct exchange *exchange, uint64_t *ret_version)
{
    const struct request *request = &exchange->request;

    if (request->endpoint->version == NULL || !request->endpoint->version(&exchange->request, ret_version))
        return NULL;
    return json_dumps(request->params, JSON_COMPACT | JSON_SORT_KEYS);
}

static bool reply_from_cache(struct exchange *exchange)
{
    uint64_t version;
    autofree char *name = kept_name(exchange, &version);
    struct reply_body *body =
        name == NULL ? NULL
                     : reply_cache_find(exchange->house->cache, exchange->request.endpoint, name, version);

    if (body != NULL)
        reply_kept(&exchange->reply, body);
    return body != NULL;
}

/* The version is asked before the handler runs: what changes meanwhile makes the kept reply too old, never
 * stale. */
static void run(void *argument)
{
    struct exchange *exchange = argument;
    uint64_t version;
    autofree char *name = kept_name(exchange, &version);
    json_t *data = NULL;
    struct error err;

    if (request_run(&exchange->request, &data, &err) != 0) {
        reply_error(&exchange->reply, &err, NULL);
        return;
    }
    reply_data(&exchange->reply, data);
    if (name != NULL)
        reply_cache_keep(exchange->house->cache, exchange->request.endpoint, name, version,
                         exchange->reply.body);
}

static void run_and_resume(void *argument)
{
    run(argument);
    resume(argument);
}

static void run_in_worker(struct exchange *exchange)
{
    struct error err;

    pause_exchange(exchange);
    if (worker_pool_submit(exchange->house->workers, run_and_resume, exchange, &err) != 0) {
        reply_error(&exchange->reply, &err, NULL);
        exchange->resume(exchange);
    }
}

/* A wrong credential is answered late. Who sent none may have the answer at once: there is nothing to guess.
 */
static void refuse_slowly(struct exchange *exchange)
{
    pause_exchange(exchange);
    delay_add(exchange->house->delay, exchange->peer->address, resume, exchange);
}

void exchange_refuse(struct exchange *exchange, const struct error *err)
{
    reply_error(&exchange->reply, err, NULL);
}

void exchange_serve(struct exchange *exchange)
{
    autojson json_t *errors = NULL;
    struct error err;

    if (asset_serve(exchange->method, exchange->uri, exchange->known_tags, &exchange->reply))
        return;
    if (prepare(exchange, &errors, &err) != 0) {
        autofree char *credential = authenticate_find_token(exchange->authorization);
        reply_error(&exchange->reply, &err, errors);
        if (err.kind == ERROR_UNAUTHENTICATED && credential != NULL)
            refuse_slowly(exchange);
    } else if (reply_from_cache(exchange)) {
        return;
    } else if (exchange->request.endpoint->may_block) {
        run_in_worker(exchange);
    } else {
        run(exchange);
    }
}

void exchange_release(struct exchange *exchange)
{
    decoded_release(&exchange->decoded);
    reply_release(&exchange->reply);
    text_release(&exchange->body);
    free(exchange->uri);
}
