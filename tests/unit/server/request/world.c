/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server without sockets. */
#include "tests/unit/server/request/world.h"

#include <criterion/criterion.h>

#include "access/access.h"
#include "access/token.h"
#include "base/memory.h"

static char *make_token(struct server_world *world, const char *user)
{
    autojson json_t *settings = json_pack("{s:i}", "privsep", 0), *reply = NULL;
    struct error err;

    cr_assert_eq(token_create(world->service.storage, user, "own", settings, &reply, &err), 0, "%s",
                 err.message);
    return xasprintf("PVEAPIToken=%s!own=%s", user, json_string_value(json_object_get(reply, "value")));
}

void server_world_make(struct server_world *world, const struct endpoint *const *table, size_t count)
{
    struct error err;

    fixture_make(&world->fixture);
    world->service.node = "pve1";
    world->service.storage = fixture_open(world->fixture.path);
    cr_assert_eq(access_open(world->service.storage, &world->service.access, &err), 0, "%s", err.message);
    fixture_put(world->service.storage, "user", "joe@pve", "{'enable': 1, 'expire': 0}");
    world->root_token = make_token(world, "root@pam");
    world->joe_token = make_token(world, "joe@pve");
    world->server = (struct server){.service = &world->service,
                                    .routes = {table, count, "pve1"},
                                    .owner = WORLD_OWNER,
                                    .cache = reply_cache_new(),
                                    .coalescer = {.mutex = PTHREAD_MUTEX_INITIALIZER}};
    const struct worker_limits limits = {.threads = WORLD_WORKERS, .places = 64, .share = 64};
    cr_assert_eq(worker_pool_open(&limits, &world->server.workers, &err), 0);
    cr_assert_eq(worker_pool_open(&limits, &world->server.logins, &err), 0);
    cr_assert_eq(throttle_open(100, &world->server.throttle, &err), 0);
    world->peer = (struct peer){.address = "192.0.2.1", .network = "192.0.2.1"};
}

void server_world_end(struct server_world *world)
{
    worker_pool_close(world->server.workers);
    worker_pool_close(world->server.logins);
    throttle_close(world->server.throttle);
    reply_cache_free(world->server.cache);
    access_close(world->service.access);
    storage_close(world->service.storage);
    fixture_remove(&world->fixture);
    free(world->root_token);
    free(world->joe_token);
}

static void pause_nothing(struct exchange *exchange)
{
    (void)exchange;
}

static void post_resumed(struct exchange *exchange)
{
    sem_post(exchange->connection);
}

struct exchange server_world_request(struct server_world *world, const char *method, const char *uri,
                                     const char *authorization, sem_t *resumed)
{
    sem_init(resumed, 0, 0);
    return (struct exchange){.server = &world->server,
                             .peer = &world->peer,
                             .method = method,
                             .uri = xstrdup(uri),
                             .authorization = authorization,
                             .pause = pause_nothing,
                             .resume = post_resumed,
                             .connection = resumed};
}

struct exchange server_world_serve(struct server_world *world, const char *method, const char *uri,
                                   const char *authorization)
{
    sem_t resumed;
    struct exchange exchange = server_world_request(world, method, uri, authorization, &resumed);

    while (exchange.reply.status == 0) {
        exchange_serve(&exchange);
        if (exchange.paused)
            sem_wait(&resumed);
    }
    sem_destroy(&resumed);
    return exchange;
}
