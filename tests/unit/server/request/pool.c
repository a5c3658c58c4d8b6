/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers, and the wait after a failed login. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "server/request/delay.h"
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

Test(server_worker, runs_what_was_submitted_before_it_closes, .timeout = 60)
{
    struct worker_pool *pool;
    struct error err;

    cr_assert_eq(worker_pool_open(3, 100, &pool, &err), 0);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(worker_pool_submit(pool, count, NULL, &err), 0, "%s", err.message);
    worker_pool_close(pool);
    cr_assert_eq(done, 100);
}

Test(server_worker, refuses_when_too_many_wait, .timeout = 60)
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

static bool add(struct delay *delay, const char *address, void (*call)(void *argument), void *argument)
{
    return delay_add(delay, &(const struct delay_key){address, ""}, call, argument);
}

Test(server_delay, answers_after_the_wait, .timeout = 60)
{
    struct delay *delay;
    struct error err;
    sem_t answered;

    sem_init(&answered, 0, 0);
    cr_assert_eq(delay_open(200, &delay, &err), 0);
    long start = milliseconds();
    add(delay, "192.0.2.1", post, &answered);
    add(delay, "192.0.2.2", post, &answered);
    sem_wait(&answered);
    sem_wait(&answered);
    cr_assert_geq(milliseconds() - start, 200);
    delay_close(delay);
}

Test(server_delay, one_address_may_not_take_all_places, .timeout = 60)
{
    struct delay *delay;
    struct error err;

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    for (int i = 0; i < DELAY_ADDRESS_LIMIT; i++)
        cr_assert(add(delay, "192.0.2.1", count, NULL));
    cr_assert_not(add(delay, "192.0.2.1", count, NULL));
    cr_assert(add(delay, "192.0.2.2", count, NULL));
    delay_close(delay);
    cr_assert_eq(done, DELAY_ADDRESS_LIMIT + 1, "closing answers all at once");
}

Test(server_delay, bounded_in_all, .timeout = 60)
{
    struct delay *delay;
    struct error err;
    char address[32];

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    for (int i = 0; i < DELAY_LIMIT; i++) {
        snprintf(address, sizeof(address), "192.0.%d.%d", i / 256, i % 256);
        cr_assert(add(delay, address, count, NULL));
    }
    cr_assert_not(add(delay, "198.51.100.1", count, NULL));
    delay_close(delay);
}

/* Of an IPv6 address the network counts: its owner has all the others too. */
Test(server_delay, addresses_of_one_network_are_one, .timeout = 60)
{
    struct delay *delay;
    struct error err;
    char address[64];

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    for (int i = 0; i < DELAY_ADDRESS_LIMIT; i++) {
        snprintf(address, sizeof(address), "2001:db8:1:2:%x::1", i);
        cr_assert(add(delay, address, count, NULL));
    }
    cr_assert_not(add(delay, "2001:db8:1:2:ffff::1", count, NULL));
    cr_assert(add(delay, "2001:db8:1:3::1", count, NULL));
    delay_close(delay);
}

static bool is_slow(struct delay *delay, const char *address, const char *user)
{
    return delay_is_slow(delay, &(const struct delay_key){address, user});
}

Test(server_delay, slow_are_a_user_who_failed_and_an_address_where_many_did, .timeout = 60)
{
    struct delay *delay;
    struct error err;

    cr_assert_eq(delay_open(60000, &delay, &err), 0);
    cr_assert_not(is_slow(delay, "192.0.2.1", "joe@pve"));
    delay_add_always(delay, &(const struct delay_key){"192.0.2.1", "joe@pve"}, count, NULL);
    cr_assert(is_slow(delay, "192.0.2.1", "joe@pve"));
    cr_assert_not(is_slow(delay, "192.0.2.1", "ann@pve"));
    cr_assert_not(is_slow(delay, "192.0.2.2", "joe@pve"));
    for (int i = 1; i < DELAY_ADDRESS_LIMIT / 2; i++)
        delay_add_always(delay, &(const struct delay_key){"192.0.2.1", "eve@pve"}, count, NULL);
    cr_assert(is_slow(delay, "192.0.2.1", "ann@pve"));
    cr_assert_not(is_slow(delay, "192.0.2.2", "ann@pve"));
    delay_close(delay);
}
