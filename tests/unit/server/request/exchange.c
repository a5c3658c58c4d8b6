/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to its reply: the order of the steps, who is let in, where handlers run, what is cached. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/server/request/world.h"

static atomic_int runs;
static pthread_t handler_thread;
static uint64_t version;
static bool has_version;

static int run(struct request *request, json_t **ret, struct error *err)
{
    (void)err;
    atomic_fetch_add(&runs, 1);
    handler_thread = pthread_self();
    *ret = json_pack("{s:s, s:s, s:O}", "user", request->caller.user, "token", request->caller.token,
                     "params", request->params);
    return 0;
}

static int fail(struct request *request, json_t **ret, struct error *err)
{
    (void)request;
    (void)ret;
    return error_set_field(err, "id", "no such thing");
}

static bool current_version(struct request *request, uint64_t *ret)
{
    (void)request;
    *ret = version;
    return has_version;
}

#define NODE  {.name = "node", .type = SCHEMA_STRING, .format = "pve-node"}
#define COUNT {.name = "count", .type = SCHEMA_INTEGER, .optional = true}

static const struct endpoint open_to_all = {
    .method = METHOD_GET, .path = "/world", .permission = ALLOW_WORLD, .run = run};
static const struct endpoint audited = {.method = METHOD_GET,
                                        .path = "/nodes/{node}",
                                        .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
                                        .parameters = PROPERTIES(NODE, COUNT),
                                        .run = run};
static const struct endpoint cached = {.method = METHOD_GET,
                                       .path = "/cached",
                                       .permission = ALLOW_ALL,
                                       .parameters = PROPERTIES(COUNT),
                                       .run = run,
                                       .version = current_version};
static const struct endpoint cached_audited = {.method = METHOD_GET,
                                               .path = "/cached-audited",
                                               .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
                                               .run = run,
                                               .version = current_version};
static const struct endpoint slow = {
    .method = METHOD_POST, .path = "/slow", .permission = ALLOW_ALL, .run = run, .may_block = true};
static const struct endpoint failing = {
    .method = METHOD_GET, .path = "/fail", .permission = ALLOW_ALL, .run = fail};
static const struct endpoint *const table[] = {&open_to_all,    &audited, &cached,
                                               &cached_audited, &slow,    &failing};

static void expect_status(struct server_world *world, const char *uri, const char *authorization,
                          unsigned status, const char *phrase)
{
    autoexchange struct exchange exchange = server_world_serve(world, "GET", uri, authorization);

    cr_expect_eq(exchange.reply.status, status, "%s: %u", uri, exchange.reply.status);
    cr_expect_str_eq(exchange.reply.phrase, phrase, "%s", uri);
}

Test(server_exchange, steps_fail_in_their_order, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    const char *joe = world.joe_token;
    expect_status(&world, "/api2/json/%00", NULL, 400,
                  "the path holds a NUL byte (%00), which is never valid");
    expect_status(&world, "/api2/json/nothing", NULL, 501, "Method 'GET /nothing' not implemented");
    expect_status(&world, "/api2/json/nodes/other?count=x", NULL, 401, "No ticket");
    expect_status(&world, "/api2/json/nodes/other?count=x", joe, 403,
                  "Permission check failed (/nodes/other, Sys.Audit)");
    expect_status(&world, "/api2/json/nodes/other?count=x", "PVEAPIToken=root@pam!own=wrong", 401,
                  "Authentication failed!");
    cr_expect_eq(runs, 0);
}

Test(server_exchange, node_and_parameters, .timeout = 60)
{
    autoworld struct server_world world = {.peer = {.local = true}};

    server_world_make(&world, table, COUNT_OF(table));
    world.peer = (struct peer){.local = true, .uid = WORLD_OWNER};
    expect_status(&world, "/api2/json/nodes/other?count=x", NULL, 500,
                  "hostname lookup 'other' failed - no such node: this one is 'pve1'");
    expect_status(&world, "/api2/json/nodes/localhost?count=x", NULL, 400, "Parameter verification failed.");
    expect_status(&world, "/api2/json/fail", NULL, 400, "Parameter verification failed.");
    cr_expect_eq(runs, 0);
    expect_status(&world, "/api2/json/nodes/localhost?count=1", NULL, 200, "");
    cr_expect_eq(runs, 1);
}

static void expect_caller(struct server_world *world, const char *authorization, const char *user,
                          const char *token)
{
    autoexchange struct exchange exchange =
        server_world_serve(world, "GET", "/api2/json/cached", authorization);

    cr_expect_eq(exchange.reply.status, 200);
    cr_expect_str_eq(exchange.request.caller.user, user);
    cr_expect_str_eq(exchange.request.caller.token, token);
}

Test(server_exchange, local_peers, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    world.peer = (struct peer){.local = true, .uid = 0};
    expect_caller(&world, NULL, "root@pam", "");
    world.peer.uid = WORLD_OWNER;
    expect_caller(&world, NULL, "root@pam", "");
    expect_caller(&world, world.joe_token, "joe@pve", "own");
    world.peer.uid = 4321;
    expect_status(&world, "/api2/json/cached", NULL, 401, "No ticket");
    expect_caller(&world, world.joe_token, "joe@pve", "own");
    world.peer = (struct peer){.local = false, .uid = 0};
    expect_status(&world, "/api2/json/cached", NULL, 401, "No ticket");
}

Test(server_exchange, world_needs_no_login)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    expect_status(&world, "/api2/json/world", NULL, 200, "");
    expect_status(&world, "/api2/json/world", "PVEAPIToken=root@pam!own=wrong", 200, "");
}

Test(server_exchange, the_page_and_the_description_need_no_login)
{
    static const char *const files[] = {"/", "/reference.js", "/style.css", "/openapi.yaml", "/openapi.json"};
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    for (size_t i = 0; i < COUNT_OF(files); i++)
        expect_status(&world, files[i], NULL, 200, "");
}

static double seconds_of(struct server_world *world, const char *authorization)
{
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start);
    expect_status(world, "/api2/json/cached", authorization, 401,
                  authorization == NULL ? "No ticket" : "Authentication failed!");
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

Test(server_exchange, wrong_credential_is_answered_late, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    cr_expect_geq(seconds_of(&world, "PVEAPIToken=root@pam!own=wrong"), 0.1);
    cr_expect_geq(seconds_of(&world, "PVEAPIToken=nobody@pam!own=wrong"), 0.1);
}

Test(server_exchange, what_may_block_runs_in_a_worker, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    autoexchange struct exchange exchange =
        server_world_serve(&world, "POST", "/api2/json/slow", world.root_token);
    cr_expect(exchange.paused);
    cr_expect_eq(exchange.reply.status, 200);
    cr_expect_eq(runs, 1);
    cr_expect_not(pthread_equal(handler_thread, pthread_self()));
}

Test(server_exchange, reply_is_cached_while_its_version_stays, .timeout = 60)
{
    static const struct {
        const char *uri;
        uint64_t version;
        bool has_version;
        int runs; /* so far */
    } cases[] = {
        {"/api2/json/cached", 1, true, 1},         {"/api2/json/cached", 1, true, 1},
        {"/api2/json/cached?count=2", 1, true, 2}, {"/api2/json/cached?count=2", 1, true, 2},
        {"/api2/json/cached", 2, true, 3},         {"/api2/json/cached", 2, true, 3},
        {"/api2/json/cached", 2, false, 4},        {"/api2/json/cached", 2, false, 5},
    };
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        version = cases[i].version;
        has_version = cases[i].has_version;
        expect_status(&world, cases[i].uri, world.joe_token, 200, "");
        cr_expect_eq(runs, cases[i].runs, "case %zu: %d", i, runs);
    }
    has_version = true;
    expect_status(&world, "/api2/json/cached", NULL, 401, "No ticket");
    expect_status(&world, "/api2/json/cached", "PVEAPIToken=joe@pve!own=wrong", 401,
                  "Authentication failed!");
    autoexchange struct exchange other =
        server_world_serve(&world, "POST", "/api2/json/cached", world.joe_token);
    cr_expect_eq(other.reply.status, 501, "it is the reply to GET");
}

/* Where any login may ask, each is shown what it may see. */
Test(server_exchange, reply_is_cached_for_the_one_who_asked, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    version = 1;
    has_version = true;
    for (int i = 1; i <= 3; i++) {
        expect_status(&world, "/api2/json/cached", world.joe_token, 200, "");
        expect_status(&world, "/api2/json/cached", world.joe_token, 200, "");
        cr_expect_eq(runs, 2 * i - 1);
        expect_status(&world, "/api2/json/cached", world.root_token, 200, "");
        expect_status(&world, "/api2/json/cached", world.root_token, 200, "");
        cr_expect_eq(runs, 2 * i);
    }
}

Test(server_exchange, permission_for_a_cached_reply_is_checked_each_time, .timeout = 60)
{
    autoworld struct server_world world = {0};

    server_world_make(&world, table, COUNT_OF(table));
    version = 1;
    has_version = true;
    for (int i = 0; i < 2; i++) {
        expect_status(&world, "/api2/json/cached-audited", world.joe_token, 403,
                      "Permission check failed (/, Sys.Audit)");
        expect_status(&world, "/api2/json/cached-audited", NULL, 401, "No ticket");
        world.peer = (struct peer){.local = true, .uid = WORLD_OWNER};
        expect_status(&world, "/api2/json/cached-audited", NULL, 200, "");
        world.peer = (struct peer){.address = "192.0.2.1"};
    }
    cr_expect_eq(runs, 1);
}
