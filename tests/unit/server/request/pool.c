/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of the pool, and how many requests may wait for them. */
#include <criterion/criterion.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "server/request/pool.h"

static atomic_int done;

static void count(void *argument)
{
    (void)argument;
    atomic_fetch_add(&done, 1);
}

static void wait_for(void *argument)
{
    sem_wait(argument);
}

static struct worker_pool *make_pool(const struct worker_limits *limits)
{
    struct worker_pool *pool;
    struct error err;

    cr_assert_eq(worker_pool_open(limits, &pool, &err), 0, "%s", err.message);
    return pool;
}

Test(server_pool, runs_what_was_submitted_before_it_closes, .timeout = 60)
{
    struct worker_pool *pool = make_pool(&(struct worker_limits){.threads = 3, .places = 100, .share = 100});
    struct error err;

    for (int i = 0; i < 100; i++)
        cr_assert_eq(worker_pool_submit(pool, "joe@pve", count, NULL, &err), 0, "%s", err.message);
    worker_pool_close(pool);
    cr_assert_eq(done, 100);
}

/* How many of so many calls of this caller, each of which waits for `go`, find a place. */
static int fill(struct worker_pool *pool, const char *caller, int calls, sem_t *go, struct error *err)
{
    int accepted = 0;

    for (int i = 0; i < calls; i++)
        accepted += worker_pool_submit(pool, caller, wait_for, go, err) == 0;
    return accepted;
}

Test(server_pool, everybody_has_a_share_and_root_has_more, .timeout = 60)
{
    struct worker_pool *pool = make_pool(
        &(struct worker_limits){.threads = 2, .kept_threads = 1, .places = 4, .kept_places = 8, .share = 3});
    struct error err;
    sem_t go, go_root;

    sem_init(&go, 0, 0);
    sem_init(&go_root, 0, 0);
    int first = fill(pool, "a", 8, &go, &err);
    cr_assert(first == 3 || first == 4, "three wait, one may have begun; not %d", first);
    cr_assert_eq(err.kind, ERROR_BUSY);
    cr_assert_str_eq(err.message, "3 requests of a are waiting already: try again in a moment");
    cr_assert_geq(fill(pool, "b", 8, &go, &err), 1);
    cr_assert_str_eq(err.message, "4 requests are waiting already: try again in a moment");
    cr_assert_geq(fill(pool, NULL, 2, &go_root, &err), 2, "%s", err.message);
    sem_post(&go_root); /* one thread runs root's although the other callers wait longer */
    sem_post(&go_root);
    cr_assert_eq(worker_pool_submit(pool, NULL, count, NULL, &err), 0, "%s", err.message);
    while (done == 0)
        sched_yield();
    for (int i = 0; i < 16; i++)
        sem_post(&go);
    worker_pool_close(pool);
}

static char order[8];
static atomic_int used;

static void note(void *argument)
{
    order[atomic_fetch_add(&used, 1)] = *(const char *)argument;
}

Test(server_pool, callers_take_turns, .timeout = 60)
{
    struct worker_pool *pool = make_pool(&(struct worker_limits){.threads = 1, .places = 100, .share = 100});
    static char a[] = "a", b[] = "b";
    struct error err;
    sem_t go;

    sem_init(&go, 0, 0);
    fill(pool, NULL, 1, &go, &err);
    for (int i = 0; i < 3; i++)
        worker_pool_submit(pool, a, note, a, &err);
    worker_pool_submit(pool, b, note, b, &err);
    sem_post(&go);
    worker_pool_close(pool);
    cr_assert_str_eq(order, "abaa");
}
