/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of the pool, and how many requests may wait for them. */
#include <criterion/criterion.h>
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

Test(server_pool, runs_what_was_submitted_before_it_closes, .timeout = 60)
{
    struct worker_pool *pool;
    struct error err;

    cr_assert_eq(worker_pool_open(3, 100, &pool, &err), 0);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(worker_pool_submit(pool, count, NULL, &err), 0, "%s", err.message);
    worker_pool_close(pool);
    cr_assert_eq(done, 100);
}

Test(server_pool, refuses_when_too_many_wait, .timeout = 60)
{
    struct worker_pool *pool;
    struct error err;
    sem_t go;

    sem_init(&go, 0, 0);
    cr_assert_eq(worker_pool_open(1, 2, &pool, &err), 0);
    int accepted = 0;
    for (int i = 0; i < 4; i++)
        accepted += worker_pool_submit(pool, wait_for, &go, &err) == 0;
    cr_assert(accepted == 2 || accepted == 3, "two wait, one may have begun; not %d", accepted);
    cr_assert_eq(err.kind, ERROR_BUSY);
    cr_assert_str_eq(err.message, "2 requests are waiting already: try again in a moment");
    for (int i = 0; i < accepted; i++)
        sem_post(&go);
    worker_pool_close(pool);
}
