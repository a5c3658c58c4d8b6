/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wait after a failed login. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "server/request/throttle.h"

static atomic_int done;

static void count(void *argument)
{
    (void)argument;
    atomic_fetch_add(&done, 1);
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

static bool add(struct throttle *throttle, const char *address, void (*call)(void *argument), void *argument)
{
    return throttle_add(throttle, &(const struct throttle_key){address, ""}, call, argument);
}

Test(server_throttle, answers_after_the_wait, .timeout = 60)
{
    struct throttle *throttle;
    struct error err;
    sem_t answered;

    sem_init(&answered, 0, 0);
    cr_assert_eq(throttle_open(200, &throttle, &err), 0);
    long start = milliseconds();
    add(throttle, "192.0.2.1", post, &answered);
    add(throttle, "192.0.2.2", post, &answered);
    sem_wait(&answered);
    sem_wait(&answered);
    cr_assert_geq(milliseconds() - start, 200);
    throttle_close(throttle);
}

Test(server_throttle, one_address_may_not_take_the_whole_queue, .timeout = 60)
{
    struct throttle *throttle;
    struct error err;

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    for (int i = 0; i < THROTTLE_ADDRESS_LIMIT; i++)
        cr_assert(add(throttle, "192.0.2.1", count, NULL));
    cr_assert_not(add(throttle, "192.0.2.1", count, NULL));
    cr_assert(add(throttle, "192.0.2.2", count, NULL));
    throttle_close(throttle);
    cr_assert_eq(done, THROTTLE_ADDRESS_LIMIT + 1, "closing answers all at once");
}

Test(server_throttle, bounded_in_all, .timeout = 60)
{
    struct throttle *throttle;
    struct error err;
    char address[32];

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    for (int i = 0; i < THROTTLE_LIMIT; i++) {
        snprintf(address, sizeof(address), "192.0.%d.%d", i / 256, i % 256);
        cr_assert(add(throttle, address, count, NULL));
    }
    cr_assert_not(add(throttle, "198.51.100.1", count, NULL));
    throttle_close(throttle);
}

/* Of an IPv6 address the network counts: its owner has all the others too. */
Test(server_throttle, addresses_of_one_network_are_one, .timeout = 60)
{
    struct throttle *throttle;
    struct error err;
    char address[64];

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    for (int i = 0; i < THROTTLE_ADDRESS_LIMIT; i++) {
        snprintf(address, sizeof(address), "2001:db8:1:2:%x::1", i);
        cr_assert(add(throttle, address, count, NULL));
    }
    cr_assert_not(add(throttle, "2001:db8:1:2:ffff::1", count, NULL));
    cr_assert(add(throttle, "2001:db8:1:3::1", count, NULL));
    throttle_close(throttle);
}

static bool is_slow(struct throttle *throttle, const char *address, const char *user)
{
    return throttle_is_slow(throttle, &(const struct throttle_key){address, user});
}

Test(server_throttle, slow_are_a_user_who_failed_and_an_address_where_many_did, .timeout = 60)
{
    struct throttle *throttle;
    struct error err;

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    cr_assert_not(is_slow(throttle, "192.0.2.1", "joe@pve"));
    throttle_add_always(throttle, &(const struct throttle_key){"192.0.2.1", "joe@pve"}, count, NULL);
    cr_assert(is_slow(throttle, "192.0.2.1", "joe@pve"));
    cr_assert_not(is_slow(throttle, "192.0.2.1", "ann@pve"));
    cr_assert_not(is_slow(throttle, "192.0.2.2", "joe@pve"));
    for (int i = 1; i < THROTTLE_ADDRESS_LIMIT / 2; i++)
        throttle_add_always(throttle, &(const struct throttle_key){"192.0.2.1", "eve@pve"}, count, NULL);
    cr_assert(is_slow(throttle, "192.0.2.1", "ann@pve"));
    cr_assert_not(is_slow(throttle, "192.0.2.2", "ann@pve"));
    throttle_close(throttle);
}
