/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies that several requests want at the same time: one makes it, those for the same reply wait, and
 * nobody else does. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "tests/unit/server/request/world.h"

/* What the handlers do, and what they did. */
static struct {
    atomic_int runs;
    atomic_int running; /* in handlers that are held up */
    atomic_bool held;   /* /held does not return before this is false */
    atomic_bool fails;  /* /held fails then */
    atomic_uint_least64_t version;
} state;

static void sleep_a_little(void)
{
    nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
}

static int answer(struct request *request, json_t **ret, struct error *err)
{
    (void)err;
    atomic_fetch_add(&state.runs, 1);
    *ret = json_pack("{s:s, s:I}", "user", request->caller.user, "version", (json_int_t)state.version);
    return 0;
}

static int answer_late(struct request *request, json_t **ret, struct error *err)
{
    atomic_fetch_add(&state.running, 1);
    while (state.held)
        sleep_a_little();
    atomic_fetch_sub(&state.running, 1);
    if (answer(request, ret, err) != 0)
        return -1;
    if (!state.fails)
        return 0;
    json_decref(*ret);
    return error_set(err, ERROR_FAILED, "it did not work");
}

static bool current_version(struct request *request, uint64_t *ret)
{
    (void)request;
    *ret = state.version;
    return true;
}

static const struct endpoint held = {.method = METHOD_GET,
                                     .path = "/held",
                                     .permission = ALLOW_ALL,
                                     .run = answer_late,
                                     .version = current_version};
static const struct endpoint held_in_worker = {.method = METHOD_GET,
                                               .path = "/held-in-worker",
                                               .permission = ALLOW_ALL,
                                               .may_block = true,
                                               .run = answer_late,
                                               .version = current_version};
static const struct endpoint other = {.method = METHOD_GET,
                                      .path = "/other",
                                      .permission = ALLOW_ALL,
                                      .run = answer,
                                      .version = current_version};
static const struct endpoint *const table[] = {&held, &held_in_worker, &other};

static void make(struct server_world *world)
{
    server_world_make(world, table, COUNT_OF(table));
    state.version = 1;
}

/* One request in a thread of its own. */
struct client {
    struct server_world *world;
    const char *uri, *token;
    pthread_t thread;
    unsigned status;
    char body[128];
};

static void *be_client(void *argument)
{
    struct client *client = argument;
    autoexchange struct exchange exchange =
        server_world_serve(client->world, "GET", client->uri, client->token);

    client->status = exchange.reply.status;
    snprintf(client->body, sizeof(client->body), "%.*s", (int)reply_body_length(exchange.reply.body),
             reply_body_bytes(exchange.reply.body));
    return NULL;
}

static void start(struct client *client, struct server_world *world, const char *uri, const char *token)
{
    *client = (struct client){.world = world, .uri = uri, .token = token};
    cr_assert_eq(pthread_create(&client->thread, NULL, be_client, client), 0);
}

static void expect_end(struct client *client, unsigned status, const char *body)
{
    pthread_join(client->thread, NULL);
    cr_expect_eq(client->status, status, "%s: %u", client->uri, client->status);
    cr_expect_str_eq(client->body, body, "%s: %s", client->uri, client->body);
}

static void wait_until_running(int count)
{
    while (state.running != count)
        sleep_a_little();
}

#define JOE_1  "{\"data\":{\"user\":\"joe@pve\",\"version\":1}}"
#define JOE_2  "{\"data\":{\"user\":\"joe@pve\",\"version\":2}}"
#define ROOT_1 "{\"data\":{\"user\":\"root@pam\",\"version\":1}}"

Test(server_coalesce, one_reply_being_made_holds_up_no_other, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client maker, others[3];

    make(&world);
    state.held = true;
    start(&maker, &world, "/api2/json/held", world.joe_token);
    wait_until_running(1);
    start(&others[0], &world, "/api2/json/other", world.joe_token);
    expect_end(&others[0], 200, JOE_1);
    start(&others[1], &world, "/api2/json/held", world.root_token);      /* is shown something else */
    start(&others[2], &world, "/api2/json/held?_dc=1", world.joe_token); /* is never cached */
    wait_until_running(3);
    state.held = false;
    expect_end(&maker, 200, JOE_1);
    expect_end(&others[1], 200, ROOT_1);
    expect_end(&others[2], 200, JOE_1);
    cr_expect_eq(state.runs, 4);
}

/* Serves a request that is expected to wait; the caller serves it again if it was resumed without a reply. */
static void expect_wait(struct exchange *exchange, sem_t *resumed)
{
    exchange_serve(exchange);
    cr_assert(exchange->paused);
    sleep_a_little();
    cr_assert_eq(sem_trywait(resumed), -1);
    cr_assert_eq(exchange->reply.status, 0);
}

Test(server_coalesce, requests_for_the_same_reply_wait_for_the_one_that_makes_it, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client maker;
    sem_t resumed[2];

    make(&world);
    state.held = true;
    start(&maker, &world, "/api2/json/held", world.joe_token);
    wait_until_running(1);
    autoexchange struct exchange first =
        server_world_request(&world, "GET", "/api2/json/held", world.joe_token, &resumed[0]);
    autoexchange struct exchange second =
        server_world_request(&world, "HEAD", "/api2/json/held", world.joe_token, &resumed[1]);
    second.known_tags = "*";
    expect_wait(&first, &resumed[0]);
    expect_wait(&second, &resumed[1]);
    state.held = false;
    sem_wait(&resumed[0]);
    sem_wait(&resumed[1]);
    cr_expect_eq(first.reply.status, 200);
    cr_expect_eq(second.reply.status, 304, "each gets it as its own headers ask for: %u",
                 second.reply.status);
    expect_end(&maker, 200, JOE_1);
    cr_expect_eq(state.runs, 1);
}

Test(server_coalesce, when_the_maker_fails_one_that_waited_makes_the_reply, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client maker;
    sem_t resumed[2];

    make(&world);
    state.held = state.fails = true;
    start(&maker, &world, "/api2/json/held", world.joe_token);
    wait_until_running(1);
    autoexchange struct exchange first =
        server_world_request(&world, "GET", "/api2/json/held", world.joe_token, &resumed[0]);
    autoexchange struct exchange second =
        server_world_request(&world, "GET", "/api2/json/held", world.joe_token, &resumed[1]);
    expect_wait(&first, &resumed[0]);
    expect_wait(&second, &resumed[1]);
    state.held = false;
    sem_wait(&resumed[0]);
    sem_wait(&resumed[1]);
    expect_end(&maker, 500, "{\"data\":null,\"message\":\"it did not work\\n\"}");
    cr_expect_eq(first.reply.status, 0);
    cr_expect_eq(second.reply.status, 0);
    state.fails = false;
    exchange_serve(&first);
    exchange_serve(&second);
    cr_expect_eq(first.reply.status, 200);
    cr_expect_eq(second.reply.status, 200);
    cr_expect_eq(state.runs, 2, "the second one got what the first one made: %d", state.runs);
}

/* A connection may be closed while it waits: it is resumed all the same, and never served again. */
Test(server_coalesce, one_that_waited_and_went_away_is_missed_by_nobody, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client maker, next;
    sem_t resumed;

    make(&world);
    state.held = state.fails = true;
    start(&maker, &world, "/api2/json/held", world.joe_token);
    wait_until_running(1);
    struct exchange gone = server_world_request(&world, "GET", "/api2/json/held", world.joe_token, &resumed);
    expect_wait(&gone, &resumed);
    state.held = false;
    sem_wait(&resumed);
    exchange_release(&gone);
    pthread_join(maker.thread, NULL);
    state.fails = false;
    start(&next, &world, "/api2/json/held", world.joe_token);
    expect_end(&next, 200, JOE_1);
}

Test(server_coalesce, a_new_version_does_not_wait_for_the_old_one, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client old, new, last;

    make(&world);
    state.held = true;
    start(&old, &world, "/api2/json/held", world.joe_token);
    wait_until_running(1);
    state.version = 2;
    start(&new, &world, "/api2/json/held", world.joe_token);
    wait_until_running(2);
    state.held = false;
    expect_end(&new, 200, JOE_2);
    expect_end(&old, 200, JOE_2);
    start(&last, &world, "/api2/json/held", world.joe_token);
    expect_end(&last, 200, JOE_2);
    cr_expect_eq(state.runs, 2, "the reply to the old version did not replace the new one: %d", state.runs);
}

/* There are WORLD_WORKERS threads; if waiting took one, root's request would find none. Its reply
 * is never cached, so those that come late find the one that was made for the others. */
Test(server_coalesce, waiting_takes_no_worker, .timeout = 60)
{
    autoworld struct server_world world = {0};
    struct client clients[8];

    make(&world);
    state.held = true;
    start(&clients[0], &world, "/api2/json/held-in-worker", world.joe_token);
    wait_until_running(1);
    for (size_t i = 1; i < COUNT_OF(clients) - 1; i++)
        start(&clients[i], &world, "/api2/json/held-in-worker", world.joe_token);
    start(&clients[COUNT_OF(clients) - 1], &world, "/api2/json/held-in-worker?_dc=1", world.root_token);
    wait_until_running(2);
    state.held = false;
    for (size_t i = 0; i < COUNT_OF(clients) - 1; i++)
        expect_end(&clients[i], 200, JOE_1);
    expect_end(&clients[COUNT_OF(clients) - 1], 200, ROOT_1);
    cr_expect_eq(state.runs, 2);
}

static void *disturb(void *argument)
{
    const atomic_bool *stop = argument;

    for (unsigned i = 0; !*stop; i++) {
        atomic_fetch_add(&state.version, i % 3 == 0);
        state.fails = i % 4 == 0;
        state.held = i % 2 == 0;
        sleep_a_little();
    }
    state.held = state.fails = false;
    return NULL;
}

static void *be_busy_client(void *argument)
{
    static const char *const uris[] = {"/api2/json/held", "/api2/json/held-in-worker", "/api2/json/other"};
    struct client *client = argument;

    for (size_t i = 0; i < 100; i++) {
        client->uri = uris[i % COUNT_OF(uris)];
        be_client(client);
        cr_assert(client->status == 200 || client->status == 500, "%u", client->status);
    }
    return NULL;
}

Test(server_coalesce, everybody_is_answered_while_versions_change_and_makers_fail, .timeout = 120)
{
    autoworld struct server_world world = {0};
    struct client clients[8];
    atomic_bool stop = false;
    pthread_t disturber;

    make(&world);
    cr_assert_eq(pthread_create(&disturber, NULL, disturb, &stop), 0);
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        clients[i] =
            (struct client){.world = &world, .token = i % 4 == 0 ? world.root_token : world.joe_token};
        cr_assert_eq(pthread_create(&clients[i].thread, NULL, be_busy_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        pthread_join(clients[i].thread, NULL);
    stop = true;
    pthread_join(disturber, NULL);
    cr_expect_null(world.server.coalescer.first);
}
