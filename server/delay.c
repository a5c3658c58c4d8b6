/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to failed logins wait a while. Every wait is equally long, so a queue is in order of its deadlines.
 */
#include "server/delay.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

struct waiter {
    struct waiter *next;
    struct timespec deadline;
    char address[INET6_ADDRSTRLEN];
    void (*done)(void *argument);
    void *argument;
};

struct delay {
    unsigned milliseconds;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct waiter *first, **end;
    unsigned count;
    bool closing;
    pthread_t thread;
};

static bool is_over(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* The first whose time has come; NULL at the end. */
static struct waiter *take(struct delay *delay)
{
    struct waiter *waiter;

    pthread_mutex_lock(&delay->mutex);
    for (;;) {
        waiter = delay->first;
        if (waiter == NULL && !delay->closing)
            pthread_cond_wait(&delay->changed, &delay->mutex);
        else if (waiter != NULL && !delay->closing && !is_over(&waiter->deadline))
            pthread_cond_timedwait(&delay->changed, &delay->mutex, &waiter->deadline);
        else
            break;
    }
    if (waiter != NULL) {
        delay->first = waiter->next;
        if (delay->first == NULL)
            delay->end = &delay->first;
        delay->count--;
    }
    pthread_mutex_unlock(&delay->mutex);
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

int delay_open(unsigned milliseconds, struct delay **ret, struct error *err)
{
    struct delay *delay = xcalloc(1, sizeof(*delay));
    pthread_condattr_t monotonic;

    delay->milliseconds = milliseconds;
    delay->end = &delay->first;
    pthread_mutex_init(&delay->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&delay->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int number = pthread_create(&delay->thread, NULL, wait_and_call, delay);
    if (number != 0) {
        free(delay);
        return error_set_errno(err, number, "cannot start the thread for failed logins");
    }
    *ret = delay;
    return 0;
}

void delay_close(struct delay *delay)
{
    if (delay == NULL)
        return;
    pthread_mutex_lock(&delay->mutex);
    delay->closing = true;
    pthread_cond_signal(&delay->changed);
    pthread_mutex_unlock(&delay->mutex);
    pthread_join(delay->thread, NULL);
    pthread_cond_destroy(&delay->changed);
    pthread_mutex_destroy(&delay->mutex);
    free(delay);
}

static bool is_full(const struct delay *delay, const char *address)
{
    unsigned same = 0;

    for (const struct waiter *waiter = delay->first; waiter != NULL; waiter = waiter->next)
        same += strcmp(waiter->address, address) == 0;
    return delay->count >= DELAY_LIMIT || same >= DELAY_ADDRESS_LIMIT;
}

static struct timespec after(unsigned milliseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static struct waiter *make_waiter(const char *address, void (*done)(void *argument), void *argument)
{
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));

    snprintf(waiter->address, sizeof(waiter->address), "%s", address);
    waiter->done = done;
    waiter->argument = argument;
    return waiter;
}

bool delay_add(struct delay *delay, const char *address, void (*done)(void *argument), void *argument)
{
    pthread_mutex_lock(&delay->mutex);
    bool fits = !is_full(delay, address);
    if (fits) {
        struct waiter *waiter = make_waiter(address, done, argument);
        waiter->deadline = after(delay->milliseconds);
        *delay->end = waiter;
        delay->end = &waiter->next;
        delay->count++;
        pthread_cond_signal(&delay->changed);
    }
    pthread_mutex_unlock(&delay->mutex);
    return fits;
}
