/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wait after a failed login. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/http/peer.h"
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

/* What the server counts for a peer with this address; any other text stands for a user of the local socket.
 */
static struct peer peer_of(const char *text)
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    struct peer peer = {0};

    if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1)
        peer_describe_address((const struct sockaddr *)&ip4, &peer);
    else if (inet_pton(AF_INET6, text, &ip6.sin6_addr) == 1)
        peer_describe_address((const struct sockaddr *)&ip6, &peer);
    else
        snprintf(peer.network, sizeof(peer.network), "%s", text);
    return peer;
}

static bool add(struct throttle *throttle, const char *address, void (*call)(void *argument), void *argument)
{
    struct peer peer = peer_of(address);

    return throttle_add(throttle, &(const struct throttle_key){peer.network, "", false}, call, argument);
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

/* An attempt of a test, and what became of it. */
struct attempt {
    atomic_int went_on, refused, answered;
};

static void go_on(void *argument)
{
    struct attempt *attempt = argument;
    atomic_fetch_add(&attempt->went_on, 1);
}

static void refuse(void *argument)
{
    struct attempt *attempt = argument;
    atomic_fetch_add(&attempt->refused, 1);
}

static void answer(void *argument)
{
    struct attempt *attempt = argument;
    atomic_fetch_add(&attempt->answered, 1);
}

static enum throttle_turn begin(struct throttle *throttle, const char *address, const char *user,
                                struct attempt *attempt)
{
    struct peer peer = peer_of(address);
    const struct throttle_key key = {peer.network, user, text_starts_with(address, "uid")};

    return throttle_begin(throttle, &key, go_on, refuse, attempt);
}

static void is_reached(atomic_int *value, int expected)
{
    for (int i = 0; i < 1000 && atomic_load(value) < expected; i++)
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    cr_assert_eq(atomic_load(value), expected);
}

/* They are counted before they are made: of many at once only as many are tried as may be. */
Test(server_throttle, attempts_at_once_are_no_faster, .timeout = 60)
{
    struct attempt attempts[80] = {0};
    struct throttle *throttle;
    unsigned turns[3] = {0};
    struct error err;

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    for (size_t i = 0; i < COUNT_OF(attempts); i++)
        turns[begin(throttle, "192.0.2.1", "joe@pve", &attempts[i])]++;
    cr_assert_eq(turns[THROTTLE_GO], THROTTLE_TURNS);
    cr_assert_eq(turns[THROTTLE_WAITS], THROTTLE_WAITING);
    throttle_end(throttle, THROTTLE_PROVED, answer, &attempts[0]);
    is_reached(&attempts[0].answered, 1);
    is_reached(&attempts[THROTTLE_TURNS].went_on, 1);
    throttle_end(throttle, THROTTLE_FAILED, answer, &attempts[1]);
    is_reached(&attempts[THROTTLE_TURNS + THROTTLE_PAIR + 1].refused, 1);
    is_reached(&attempts[THROTTLE_WAITING + THROTTLE_TURNS - 1].refused, 1);
    throttle_end(throttle, THROTTLE_PROVED, answer, &attempts[2]);
    cr_assert_eq(attempts[1].answered, 0, "the failure is answered late");
    cr_assert_eq(attempts[THROTTLE_TURNS + 1].went_on, 0, "until then nothing else is tried");
    cr_assert_eq(attempts[THROTTLE_TURNS + 1].refused, 0);
    throttle_close(throttle);
    cr_assert_eq(attempts[1].answered, 1);
}

Test(server_throttle, a_user_who_failed_goes_on_when_that_is_answered, .timeout = 60)
{
    struct attempt wrong = {0}, right = {0}, other = {0};
    struct throttle *throttle;
    struct error err;

    cr_assert_eq(throttle_open(300, &throttle, &err), 0);
    long start = milliseconds();
    cr_assert_eq(begin(throttle, "192.0.2.1", "joe@pve", &wrong), THROTTLE_GO);
    throttle_end(throttle, THROTTLE_FAILED, answer, &wrong);
    cr_assert_eq(begin(throttle, "192.0.2.1", "joe@pve", &right), THROTTLE_WAITS);
    cr_assert_eq(begin(throttle, "192.0.2.1", "ann@pve", &other), THROTTLE_GO);
    is_reached(&right.went_on, 1);
    cr_assert_geq(milliseconds() - start, 300);
    cr_assert_eq(wrong.answered, 1);
    throttle_end(throttle, THROTTLE_PROVED, answer, &right);
    cr_assert_eq(right.answered, 1, "at once");
    throttle_close(throttle);
}

/* One user over all addresses, one address over all users. */
Test(server_throttle, bounds_users_and_addresses, .timeout = 60)
{
    struct attempt attempts[32] = {0};
    struct throttle *throttle;
    unsigned turns[3] = {0};
    struct error err;
    char name[32];

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    for (int i = 0; i < 16; i++) {
        snprintf(name, sizeof(name), "192.0.2.%d", i);
        turns[begin(throttle, name, "joe@pve", &attempts[i])]++;
    }
    cr_assert_eq(turns[THROTTLE_GO], THROTTLE_TURNS);
    turns[THROTTLE_GO] = 0;
    for (int i = 16; i < 32; i++) {
        snprintf(name, sizeof(name), "u%d@pve", i);
        turns[begin(throttle, i % 2 != 0 ? "2001:db8:1:2::7" : "2001:db8:1:2:3::8", name, &attempts[i])]++;
    }
    cr_assert_eq(turns[THROTTLE_GO], THROTTLE_ADDRESS_TURNS);
    throttle_close(throttle);
}

/* Whoever guesses at a user's password does not keep the user out: not on the local socket, and not where the
 * user logged in lately. */
Test(server_throttle, guessers_do_not_lock_out, .timeout = 60)
{
    struct attempt guesses[600] = {0}, home = {0}, elsewhere = {0}, local = {0}, other = {0};
    struct throttle *throttle;
    struct error err;
    char address[32];

    cr_assert_eq(throttle_open(60000, &throttle, &err), 0);
    cr_assert_eq(begin(throttle, "198.51.100.1", "joe@pve", &home), THROTTLE_GO);
    throttle_end(throttle, THROTTLE_PROVED, answer, &home);
    cr_assert_eq(begin(throttle, "198.51.100.2", "joe@pve", &elsewhere), THROTTLE_GO);
    throttle_end(throttle, THROTTLE_NOT_TRIED, answer, &elsewhere);
    for (size_t i = 0; i < COUNT_OF(guesses); i++) {
        snprintf(address, sizeof(address), "192.0.%zu.%zu", i / 200, i % 200);
        if (begin(throttle, address, "joe@pve", &guesses[i]) == THROTTLE_GO)
            throttle_end(throttle, THROTTLE_FAILED, answer, &guesses[i]);
    }
    cr_assert_eq(begin(throttle, "uid 1000", "joe@pve", &local), THROTTLE_GO);
    cr_assert_eq(begin(throttle, "198.51.100.1", "joe@pve", &home), THROTTLE_GO);
    cr_assert_eq(begin(throttle, "198.51.100.2", "joe@pve", &elsewhere), THROTTLE_FULL, "it proved nothing");
    cr_assert_eq(begin(throttle, "192.0.0.1", "ann@pve", &other), THROTTLE_GO, "nor others");
    throttle_close(throttle);
}
