/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers, and the wait after a failed login. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "server/delay.h"
#include "server/worker.h"

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

Test(server_worker, runs_what_was_submitted_before_it_closes, .timeout = 10)
{
    struct worker_pool *pool;
    struct error err;

    cr_assert_eq(worker_pool_open(3, 100, &pool, &err), 0);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(worker_pool_submit(pool, count, NULL, &err), 0, "%s", err.message);
    worker_pool_close(pool);
    cr_assert_eq(done, 100);
}

Test(server_worker, refuses_when_too_many_wait, .timeout = 10)
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

static long milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void post(void *argument)
{
    sem_post(argument);
}

Test(server_delay, answers_after_the_wait, .timeout = 10)
{
    struct delay *delay;
    struct error err;
    sem_t answered;

    sem_init(&answered, 0, 0);
    cr_assert_eq(delay_open(200, &delay, &err), 0);
    long start = milliseconds();
    delay_add(delay, "192.0.2.1", post, &answered);
    delay_add(delay, "192.0.2.2", post, &answered);
    sem_wait(&answered);
    sem_wait(&answered);
    cr_assert_geq(milliseconds() - start, 200);
    delay_close(delay);
}

Test(server_delay, one_address_may_not_take_all_places, .timeout = 10)
{
    struct delay *delay;
    struct error err;

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    for (int i = 0; i < DELAY_ADDRESS_LIMIT; i++)
        cr_assert(delay_add(delay, "192.0.2.1", count, NULL));
    cr_assert_not(delay_add(delay, "192.0.2.1", count, NULL));
    cr_assert(delay_add(delay, "192.0.2.2", count, NULL));
    delay_close(delay);
    cr_assert_eq(done, DELAY_ADDRESS_LIMIT + 1, "closing answers all at once");
}

Test(server_delay, bounded_in_all, .timeout = 10)
{
    struct delay *delay;
    struct error err;
    char address[32];

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    for (int i = 0; i < DELAY_LIMIT; i++) {
        snprintf(address, sizeof(address), "192.0.%d.%d", i / 256, i % 256);
        cr_assert(delay_add(delay, address, count, NULL));
    }
    cr_assert_not(delay_add(delay, "198.51.100.1", count, NULL));
    delay_close(delay);
}
