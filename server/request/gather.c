/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathering: equal reads of one caller are run once. */
#include "server/request/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "server/request/exchange.h"

struct gathered {
    struct gathered *next;
    const struct exchange *leader;
    bool runs;
    struct exchange *waiters; /* for the reply of the leader */
    struct exchange *late;    /* those that arrived while it ran */
};

static void push(struct exchange **list, struct exchange *exchange)
{
    exchange->next_waiter = *list;
    *list = exchange;
}

static bool is_equal(const struct exchange *a, const struct exchange *b)
{
    return strcmp(a->uri, b->uri) == 0 && identity_is_same(&a->request.caller, &b->request.caller);
}

bool gather_join(struct exchange *exchange)
{
    struct gatherer *all = &exchange->server->gatherer;

    pthread_mutex_lock(&all->mutex);
    struct gathered *gathered = all->first;
    while (gathered != NULL && !is_equal(gathered->leader, exchange))
        gathered = gathered->next;
    bool leads = gathered == NULL;
    if (leads) {
        gathered = xcalloc(1, sizeof(*gathered));
        *gathered = (struct gathered){.next = all->first, .leader = exchange};
        all->first = exchange->gathered = gathered;
    } else {
        push(gathered->runs ? &gathered->late : &gathered->waiters, exchange);
    }
    pthread_mutex_unlock(&all->mutex);
    return leads;
}

void gather_begin(const struct exchange *exchange)
{
    struct gatherer *all = &exchange->server->gatherer;

    pthread_mutex_lock(&all->mutex);
    exchange->gathered->runs = true;
    pthread_mutex_unlock(&all->mutex);
}

static void forget(struct gatherer *all, struct gathered *gathered)
{
    struct gathered **at = &all->first;

    while (*at != gathered)
        at = &(*at)->next;
    *at = gathered->next;
    free(gathered);
}

struct exchange *gather_end(struct exchange *exchange, struct exchange **ret_next)
{
    struct gatherer *all = &exchange->server->gatherer;
    struct gathered *gathered = TAKE(exchange->gathered);

    pthread_mutex_lock(&all->mutex);
    struct exchange *waiters = gathered->waiters, *next = gathered->late;
    if (next != NULL) {
        gathered->leader = next;
        gathered->runs = false;
        gathered->waiters = next->next_waiter;
        gathered->late = NULL;
        next->gathered = gathered;
    } else {
        forget(all, gathered);
    }
    pthread_mutex_unlock(&all->mutex);
    *ret_next = next;
    return waiters;
}
