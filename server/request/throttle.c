/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down guessing. */
#include "server/request/throttle.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#define PROVED 256 /* users and addresses that are remembered */

/* Hashes stand for the names, because many of them are compared. */
struct name {
    uint64_t address, user;
    bool local;
    bool proved; /* the user logged in at this address lately */
};

struct entry {
    struct entry *next;
    enum { WAITING, TRYING, FAILED, REFUSED } state; /* REFUSED: there was no password */
    struct name name;
    long long deadline;  /* of FAILED and REFUSED, by clock_microseconds */
    throttle_call *call; /* of WAITING: to go on; of the other two: to answer */
    throttle_call *refuse;
    void *argument;
    bool shed; /* it no longer waits for its turn, but for being refused */
};

struct throttle {
    unsigned milliseconds;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct entry *first, **end; /* oldest first */
    struct name proved[PROVED];
    size_t proved_next;
    bool closing;
    pthread_t thread;
};

static struct name make_name(const struct throttle_key *key)
{
    return (struct name){.address = hash_quick(key->network, strlen(key->network)),
                         .user = hash_quick(key->user, strlen(key->user)),
                         .local = key->local};
}

static bool is_same(const struct name *a, const struct name *b)
{
    return a->address == b->address && a->user == b->user && a->local == b->local;
}

/* How many other attempts there are; of those that wait, only those before `until` count. */
struct count {
    unsigned active, failed, waiting;
};
struct counts {
    struct count pair, address, user;
    unsigned all, refused;
};

static void add_to(struct count *count, const struct entry *entry)
{
    count->active += entry->state == TRYING || entry->state == FAILED;
    count->failed += entry->state == FAILED;
    count->waiting += entry->state == WAITING && !entry->shed;
}

/* `until` is in the list, or NULL; those that wait behind it do not count. */
static struct counts count_for(const struct throttle *throttle, const struct name *name,
                               const struct entry *until)
{
    struct counts counts = {0};
    bool behind = false;

    for (const struct entry *entry = throttle->first; entry != NULL; entry = entry->next) {
        bool here = entry->name.address == name->address && entry->name.local == name->local;
        bool elsewhere = !entry->name.local && !entry->name.proved && !name->local && !name->proved;
        behind |= entry == until;
        counts.all += !entry->name.local;
        counts.refused += here && entry->state == REFUSED;
        if (entry->state == REFUSED || (behind && entry->state == WAITING))
            continue;
        if (here)
            add_to(&counts.address, entry);
        if (here && entry->name.user == name->user)
            add_to(&counts.pair, entry);
        if (elsewhere && entry->name.user == name->user)
            add_to(&counts.user, entry);
    }
    return counts;
}

static bool has_turn(const struct counts *counts)
{
    return counts->pair.failed == 0 && counts->pair.active < THROTTLE_TURNS &&
           counts->address.active < THROTTLE_ADDRESS_TURNS && counts->user.active < THROTTLE_TURNS;
}

static unsigned room(const struct count *count, unsigned after_failure)
{
    return count->failed > 0 ? after_failure : THROTTLE_WAITING;
}

static bool may_wait(const struct counts *counts)
{
    return counts->pair.waiting < room(&counts->pair, THROTTLE_PAIR) &&
           counts->address.waiting < room(&counts->address, THROTTLE_AFTER_FAILURE) &&
           counts->user.waiting < room(&counts->user, THROTTLE_AFTER_FAILURE);
}

static bool is_due(const struct throttle *throttle, const struct entry *entry)
{
    if (entry->state == TRYING)
        return false;
    if (throttle->closing || entry->shed)
        return true;
    if (entry->state != WAITING)
        return entry->deadline <= clock_microseconds();
    const struct counts counts = count_for(throttle, &entry->name, entry);
    return has_turn(&counts);
}

static void unlink_entry(struct throttle *throttle, const struct entry *entry)
{
    struct entry **link = &throttle->first;

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    if (*link == NULL)
        throttle->end = link;
}

static struct entry *find_due(const struct throttle *throttle)
{
    struct entry *entry = throttle->first;

    while (entry != NULL && !is_due(throttle, entry))
        entry = entry->next;
    return entry;
}

/* Called with the mutex held. Waits until something changes, or for the first deadline. */
static void wait_for_change(struct throttle *throttle)
{
    long long first = 0;

    for (const struct entry *entry = throttle->first; entry != NULL; entry = entry->next)
        if ((entry->state == FAILED || entry->state == REFUSED) && (first == 0 || entry->deadline < first))
            first = entry->deadline;
    if (first == 0) {
        pthread_cond_wait(&throttle->changed, &throttle->mutex);
        return;
    }
    long long left = first - clock_microseconds();
    struct timespec end = clock_after(left > 0 ? (unsigned)(left / 1000) + 1 : 0);
    pthread_cond_timedwait(&throttle->changed, &throttle->mutex, &end);
}

/* Returns what to call next, without holding the mutex; false when the throttle closes and nothing waits. */
static bool take(struct throttle *throttle, throttle_call **ret_call, void **ret_argument)
{
    struct entry *entry;

    pthread_mutex_lock(&throttle->mutex);
    while ((entry = find_due(throttle)) == NULL && !throttle->closing)
        wait_for_change(throttle);
    if (entry != NULL) {
        bool goes_on = entry->state == WAITING && !entry->shed;
        *ret_call = entry->shed ? entry->refuse : entry->call;
        *ret_argument = entry->argument;
        entry->state = TRYING;
        if (!goes_on) {
            unlink_entry(throttle, entry);
            free(entry);
        }
    }
    pthread_mutex_unlock(&throttle->mutex);
    return entry != NULL;
}

static void *wait_and_call(void *argument)
{
    throttle_call *call;
    void *call_argument;

    while (take(argument, &call, &call_argument))
        call(call_argument);
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
    for (struct entry *entry = throttle->first, *next; entry != NULL; entry = next) {
        next = entry->next;
        free(entry);
    }
    pthread_cond_destroy(&throttle->changed);
    pthread_mutex_destroy(&throttle->mutex);
    free(throttle);
}

static struct entry *append(struct throttle *throttle, const struct entry *model)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));

    *entry = *model;
    *throttle->end = entry;
    throttle->end = &entry->next;
    pthread_cond_signal(&throttle->changed);
    return entry;
}

static bool is_proved(const struct throttle *throttle, const struct name *name)
{
    for (size_t i = 0; i < PROVED; i++)
        if (is_same(&throttle->proved[i], name))
            return true;
    return false;
}

enum throttle_turn throttle_begin(struct throttle *throttle, const struct throttle_key *key,
                                  throttle_call *go_on, throttle_call *refuse, void *argument)
{
    struct entry model = {.name = make_name(key), .call = go_on, .refuse = refuse, .argument = argument};
    enum throttle_turn turn = THROTTLE_FULL;

    pthread_mutex_lock(&throttle->mutex);
    model.name.proved = is_proved(throttle, &model.name);
    const struct counts counts = count_for(throttle, &model.name, NULL);
    if (has_turn(&counts) && counts.pair.waiting == 0)
        turn = THROTTLE_GO;
    else if (may_wait(&counts) && (key->local || counts.all < THROTTLE_LIMIT))
        turn = THROTTLE_WAITS;
    model.state = turn == THROTTLE_GO ? TRYING : WAITING;
    if (turn != THROTTLE_FULL)
        append(throttle, &model);
    pthread_mutex_unlock(&throttle->mutex);
    return turn;
}

/* After a failure there is less room for those that wait: the newest are refused. */
static void shed(struct throttle *throttle)
{
    for (struct entry *entry = throttle->first; entry != NULL; entry = entry->next) {
        if (entry->state != WAITING || entry->shed)
            continue;
        const struct counts counts = count_for(throttle, &entry->name, entry);
        entry->shed = !may_wait(&counts);
    }
}

static void remember(struct throttle *throttle, const struct name *name)
{
    if (is_proved(throttle, name))
        return;
    throttle->proved[throttle->proved_next] = *name;
    throttle->proved_next = (throttle->proved_next + 1) % PROVED;
}

void throttle_end(struct throttle *throttle, enum throttle_result result, throttle_call *answer,
                  void *argument)
{
    pthread_mutex_lock(&throttle->mutex);
    struct entry *entry = throttle->first;
    while (entry != NULL && (entry->state != TRYING || entry->argument != argument))
        entry = entry->next;
    bool late = entry != NULL && result == THROTTLE_FAILED;
    if (late) {
        entry->state = FAILED;
        entry->deadline = clock_microseconds() + throttle->milliseconds * 1000LL;
        entry->call = answer;
        shed(throttle);
    } else if (entry != NULL) {
        if (result == THROTTLE_PROVED)
            remember(throttle, &entry->name);
        unlink_entry(throttle, entry);
        free(entry);
    }
    pthread_cond_signal(&throttle->changed);
    pthread_mutex_unlock(&throttle->mutex);
    if (!late)
        answer(argument);
}

bool throttle_add(struct throttle *throttle, const struct throttle_key *key, throttle_call *done,
                  void *argument)
{
    const struct entry model = {.state = REFUSED,
                                .name = make_name(key),
                                .deadline = clock_microseconds() + throttle->milliseconds * 1000LL,
                                .call = done,
                                .argument = argument};

    pthread_mutex_lock(&throttle->mutex);
    const struct counts counts = count_for(throttle, &model.name, NULL);
    bool fits = counts.all < THROTTLE_LIMIT && counts.refused < THROTTLE_ADDRESS_LIMIT;
    if (fits)
        append(throttle, &model);
    pthread_mutex_unlock(&throttle->mutex);
    return fits;
}
