/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down guessing. Every answer waits equally long, so the queue is in the order of the deadlines. */
#include "server/request/throttle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

#define USER_SIZE 128 /* longer names are cut: no user has one */

struct name {
    char address[INET6_ADDRSTRLEN];
    char user[USER_SIZE];
};

struct waiter {
    struct waiter *next;
    long long deadline; /* by clock_microseconds */
    struct name name;
    void (*done)(void *argument);
    void *argument;
};

struct throttle {
    unsigned milliseconds;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct waiter *first, **end;
    unsigned count;
    bool closing;
    pthread_t thread;
};

/* Waits for the first whose time has come; NULL when the throttle closes and nobody waits any more. */
static struct waiter *take(struct throttle *throttle)
{
    struct waiter *waiter;

    pthread_mutex_lock(&throttle->mutex);
    for (;;) {
        waiter = throttle->first;
        long long left = waiter != NULL ? waiter->deadline - clock_microseconds() : 0;
        struct timespec end = clock_after(left > 0 ? (unsigned)(left / 1000) + 1 : 0);
        if (waiter == NULL && !throttle->closing)
            pthread_cond_wait(&throttle->changed, &throttle->mutex);
        else if (left > 0 && !throttle->closing)
            pthread_cond_timedwait(&throttle->changed, &throttle->mutex, &end);
        else
            break;
    }
    if (waiter != NULL) {
        throttle->first = waiter->next;
        if (throttle->first == NULL)
            throttle->end = &throttle->first;
        throttle->count--;
    }
    pthread_mutex_unlock(&throttle->mutex);
    return waiter;
}

static void *wait_and_call(void *argument)
{
    struct waiter *waiter;

    while ((waiter = take(argument)) != NULL) {
        waiter->done(waiter->argument);
        free(waiter);
    }
    return NULL;
}

int throttle_open(unsigned milliseconds, struct throttle **ret, struct error *err)
{
    struct throttle *throttle = xcalloc(1, sizeof(*throttle));
    pthread_condattr_t monotonic;

    throttle->milliseconds = milliseconds;
    throttle->end = &throttle->first;
    pthread_mutex_init(&throttle->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&throttle->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int number = pthread_create(&throttle->thread, NULL, wait_and_call, throttle);
    if (number != 0) {
        free(throttle);
        return error_set_errno(err, number,
                               "cannot start the thread that delays the answers to failed logins");
    }
    *ret = throttle;
    return 0;
}

void throttle_close(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    pthread_mutex_lock(&throttle->mutex);
    throttle->closing = true;
    pthread_cond_signal(&throttle->changed);
    pthread_mutex_unlock(&throttle->mutex);
    pthread_join(throttle->thread, NULL);
    pthread_cond_destroy(&throttle->changed);
    pthread_mutex_destroy(&throttle->mutex);
    free(throttle);
}

/* An IPv6 address becomes that of its network. */
static struct name make_name(const struct throttle_key *key)
{
    struct in6_addr address;
    struct name name = {0};

    snprintf(name.user, sizeof(name.user), "%s", key->user);
    if (inet_pton(AF_INET6, key->address, &address) == 1) {
        memset(address.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &address, name.address, sizeof(name.address));
    } else {
        snprintf(name.address, sizeof(name.address), "%s", key->address);
    }
    return name;
}

/* Counts those that wait from this address, and of these the ones with this user. */
static void count(const struct throttle *throttle, const struct name *name, unsigned *ret_address,
                  unsigned *ret_user)
{
    *ret_address = *ret_user = 0;
    for (const struct waiter *waiter = throttle->first; waiter != NULL; waiter = waiter->next) {
        bool same = strcmp(waiter->name.address, name->address) == 0;
        *ret_address += same;
        *ret_user += same && strcmp(waiter->name.user, name->user) == 0;
    }
}

static bool add(struct throttle *throttle, const struct throttle_key *key, bool always,
                void (*done)(void *argument), void *argument)
{
    const struct name name = make_name(key);
    unsigned of_address, of_user;

    pthread_mutex_lock(&throttle->mutex);
    count(throttle, &name, &of_address, &of_user);
    bool fits = always || (throttle->count < THROTTLE_LIMIT && of_address < THROTTLE_ADDRESS_LIMIT);
    if (fits) {
        struct waiter *waiter = xcalloc(1, sizeof(*waiter));
        *waiter = (struct waiter){.deadline = clock_microseconds() + throttle->milliseconds * 1000LL,
                                  .name = name,
                                  .done = done,
                                  .argument = argument};
        *throttle->end = waiter;
        throttle->end = &waiter->next;
        throttle->count++;
        pthread_cond_signal(&throttle->changed);
    }
    pthread_mutex_unlock(&throttle->mutex);
    return fits;
}

bool throttle_add(struct throttle *throttle, const struct throttle_key *key, void (*done)(void *argument),
                  void *argument)
{
    return add(throttle, key, false, done, argument);
}

void throttle_add_always(struct throttle *throttle, const struct throttle_key *key,
                         void (*done)(void *argument), void *argument)
{
    add(throttle, key, true, done, argument);
}

bool throttle_is_slow(struct throttle *throttle, const struct throttle_key *key)
{
    const struct name name = make_name(key);
    unsigned of_address, of_user;

    pthread_mutex_lock(&throttle->mutex);
    count(throttle, &name, &of_address, &of_user);
    bool slow = of_user > 0 || of_address >= THROTTLE_ADDRESS_LIMIT / 2 || throttle->count >= THROTTLE_LIMIT;
    pthread_mutex_unlock(&throttle->mutex);
    return slow;
}
