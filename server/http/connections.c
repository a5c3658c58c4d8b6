/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of a listening socket, and how long each may take. */
#include "server/http/connections.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/memory.h"

#define SECOND       1000000LL
#define SHARE(limit) ((limit) / 4)

/* A network with connections. */
struct origin {
    struct origin *next;
    struct network network;
    unsigned count;
};

struct connections {
    pthread_mutex_t mutex; /* guards all that follows, and the connections */
    unsigned limit;
    unsigned count; /* of those that are not cut */
    struct connection *first;
    struct origin *origins;
};

struct connections *connections_new(unsigned limit)
{
    struct connections *all = xcalloc(1, sizeof(*all));

    pthread_mutex_init(&all->mutex, NULL);
    all->limit = limit;
    return all;
}

void connections_free(struct connections *all)
{
    if (all == NULL)
        return;
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

static struct origin *find_origin(struct connections *all, const struct network *network)
{
    struct origin *origin = all->origins;

    while (origin != NULL && memcmp(&origin->network, network, sizeof(*network)) != 0)
        origin = origin->next;
    if (origin != NULL)
        return origin;
    origin = xcalloc(1, sizeof(*origin));
    *origin = (struct origin){.next = all->origins, .network = *network};
    all->origins = origin;
    return origin;
}

static void leave_origin(struct connections *all, struct origin *origin)
{
    struct origin **at = &all->origins;

    if (--origin->count > 0)
        return;
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    free(origin);
}

/* After this libmicrohttpd reads the end of the stream or an error, whatever it waits for, and closes the
 * connection. */
static void cut(struct connection *connection)
{
    if (connection->cut)
        return;
    connection->cut = true;
    connection->all->count--;
    shutdown(connection->fd, SHUT_RDWR);
}

/* Whether `a` is evicted rather than `b`. */
static bool goes_before(const struct connection *a, const struct connection *b)
{
    if (a->proven != b->proven)
        return b->proven;
    if (a->origin->count != b->origin->count)
        return a->origin->count > b->origin->count;
    return a->since < b->since;
}

/* An authenticated caller can only lose a connection on which nothing happens. */
static bool may_go(const struct connection *connection)
{
    return !connection->cut && (connection->phase == CONNECTION_WAITS ||
                                (!connection->proven && connection->phase != CONNECTION_ANSWERS));
}

static void make_place(struct connections *all, const struct connection *newcomer)
{
    struct connection *victim = NULL;

    for (struct connection *other = all->first; other != NULL; other = other->next)
        if (other != newcomer && may_go(other) && (victim == NULL || goes_before(other, victim)))
            victim = other;
    if (victim != NULL)
        cut(victim);
}

static void enter(struct connection *connection, enum connection_phase phase, unsigned seconds, size_t bytes)
{
    long long time = seconds * SECOND + (long long)bytes * (SECOND / CONNECTIONS_BYTES);

    if (phase != connection->phase || connection->since == 0)
        connection->since = clock_microseconds();
    connection->phase = phase;
    connection->deadline = phase == CONNECTION_ANSWERS ? 0 : connection->since + time;
}

void connections_add(struct connections *all, struct connection *connection, int fd,
                     const struct network *network, bool proven)
{
    pthread_mutex_lock(&all->mutex);
    *connection = (struct connection){
        .all = all, .next = all->first, .origin = find_origin(all, network), .fd = fd, .proven = proven};
    if (all->first != NULL)
        all->first->previous = connection;
    all->first = connection;
    all->count++;
    connection->origin->count++;
    enter(connection, CONNECTION_WAITS, CONNECTIONS_HEAD_SECONDS, 0);
    if (!proven && connection->origin->count > SHARE(all->limit))
        cut(connection);
    else if (all->count > all->limit)
        make_place(all, connection);
    pthread_mutex_unlock(&all->mutex);
}

void connections_remove(struct connection *connection)
{
    struct connections *all = connection->all;

    pthread_mutex_lock(&all->mutex);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        all->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (!connection->cut)
        all->count--;
    leave_origin(all, connection->origin);
    pthread_mutex_unlock(&all->mutex);
}

void connections_enter(struct connection *connection, enum connection_phase phase, unsigned seconds,
                       size_t bytes)
{
    pthread_mutex_lock(&connection->all->mutex);
    enter(connection, phase, seconds, bytes);
    pthread_mutex_unlock(&connection->all->mutex);
}

void connections_prove(struct connection *connection)
{
    pthread_mutex_lock(&connection->all->mutex);
    connection->proven = true;
    pthread_mutex_unlock(&connection->all->mutex);
}

/* Whether the peer has hung up in the middle of its request, of which everything was read. libmicrohttpd
 * 0.9.75 misses the end of a stream that arrives together with data. */
static bool peer_is_gone(const struct connection *connection)
{
    struct pollfd state = {.fd = connection->fd, .events = POLLRDHUP};
    int unread = 0;

    return (connection->phase == CONNECTION_WAITS || connection->phase == CONNECTION_BODY) &&
           poll(&state, 1, 0) == 1 && (state.revents & POLLRDHUP) != 0 &&
           ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* libmicrohttpd may be about to serve what it has read, so the peer must have been gone for a while. */
static bool is_abandoned(struct connection *connection)
{
    bool before = connection->suspected == connection->deadline;

    connection->suspected = peer_is_gone(connection) ? connection->deadline : 0;
    return before && connection->suspected != 0;
}

void connections_cut_late(struct connections *all, long long now)
{
    pthread_mutex_lock(&all->mutex);
    for (struct connection *connection = all->first; connection != NULL; connection = connection->next)
        if (!connection->cut && connection->deadline != 0 &&
            (connection->deadline <= now || is_abandoned(connection)))
            cut(connection);
    pthread_mutex_unlock(&all->mutex);
}

void connections_cut_waiting(struct connections *all)
{
    pthread_mutex_lock(&all->mutex);
    for (struct connection *connection = all->first; connection != NULL; connection = connection->next)
        if (connection->phase == CONNECTION_WAITS || connection->phase == CONNECTION_BODY)
            cut(connection);
    pthread_mutex_unlock(&all->mutex);
}
