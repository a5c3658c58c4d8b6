/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many clients at once: readers and writers, and several writers of one mapping, one of whom wins. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define MAPPINGS "/cluster/mapping/pci"
#define ENTRY    "node=" NODE ",path=0000:01:00.0,id=10de:2484"
#define FORM     "map=node%3d" NODE ",path%3d0000:01:00.0,id%3d10de:2484"

enum { CLIENTS = 8, ROUNDS = 25 };

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(concurrency, .init = start, .timeout = 120);

static atomic_uint counts[1000]; /* of replies, by status */

static void ask(const char *method, const char *path, const char *body)
{
    autofree char *request = xasprintf("%s /api2/json%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                       "Content-Length: %zu\r\n\r\n%s",
                                       method, path, strlen(body), body);
    autofree char *reply = raw_ask(request, strlen(request));

    atomic_fetch_add(&counts[raw_status(reply)], 1);
}

static void run_clients(void *(*run)(void *argument))
{
    pthread_t threads[CLIENTS];
    int numbers[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        numbers[i] = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, run, &numbers[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

static void *read_and_write(void *argument)
{
    const int *number = argument;
    autofree char *body = xasprintf("id=client%d&%s", *number, FORM);
    autofree char *path = xasprintf(MAPPINGS "/client%d", *number);
    autofree char *token = xasprintf("/access/users/root@pam/token/client%d", *number);

    for (int i = 0; i < ROUNDS; i++) {
        ask("POST", MAPPINGS, body);
        ask("GET", "/nodes/" NODE "/hardware/pci", "");
        ask("GET", MAPPINGS "?check-node=" NODE, "");
        ask("POST", token, "");
        ask("DELETE", token, "");
        ask("GET", "/nodes/" NODE "/hardware/pci/0000:01:00.0/status", "");
        ask("DELETE", path, "");
    }
    ask("POST", MAPPINGS, body);
    return NULL;
}

DAEMON_TEST(concurrency, readers_and_writers)
{
    run_clients(read_and_write);
    cr_assert_eq(counts[200], CLIENTS * (ROUNDS * 7 + 1), "%u replies were 200", counts[200]);
    cr_assert_eq(json_array_size(get(MAPPINGS, NULL)), CLIENTS);
    is_json(get("/access/users/root@pam/token", NULL), "[]");
}

static char *update; /* has the digest that all have read */

static void *change_the_same(void *argument)
{
    (void)argument;
    ask("PUT", MAPPINGS "/gpu", update);
    return NULL;
}

DAEMON_TEST(concurrency, of_those_who_read_the_same_digest_one_wins)
{
    post(MAPPINGS, "id", "gpu", "map", ENTRY, NULL);
    update =
        xasprintf("digest=%s&description=changed&%s", text_of(get(MAPPINGS "/gpu", NULL), "digest"), FORM);
    run_clients(change_the_same);
    free(update);
    cr_assert_eq(counts[200], 1, "%u won", counts[200]);
    cr_assert_eq(counts[500], CLIENTS - 1);
    cr_assert_str_eq(text_of(get(MAPPINGS "/gpu", NULL), "description"), "changed");
}

static void *create_the_same(void *argument)
{
    (void)argument;
    ask("POST", MAPPINGS, "id=gpu&" FORM);
    return NULL;
}

DAEMON_TEST(concurrency, of_those_who_create_the_same_one_wins)
{
    run_clients(create_the_same);
    cr_assert_eq(counts[200], 1, "%u won", counts[200]);
    cr_assert_eq(counts[500], CLIENTS - 1);
}

static void *change_without_digest(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++)
        ask("PUT", MAPPINGS "/gpu", FORM);
    return NULL;
}

/* An update without a digest is applied whatever came before it. */
DAEMON_TEST(concurrency, writers_without_a_digest_all_succeed)
{
    post(MAPPINGS, "id", "gpu", "map", ENTRY, NULL);
    run_clients(change_without_digest);
    cr_assert_eq(counts[200], CLIENTS * ROUNDS, "%u of %u", counts[200], CLIENTS * ROUNDS);
}
