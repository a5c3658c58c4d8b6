/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of several nodes: the thread that follows etcd. */
#include "storage/replica/replica.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "storage/internal.h"
#include "storage/replica/internal.h"

#define SILENCE_MS 10000 /* after which the stream is opened again: the member may hang */
#define OPENING_MS 3000  /* after which another member is tried that may send it */
#define PAUSE_MS   300   /* before etcd is tried again */
#define STEP_MS    50
#define JOINS      5 /* at most, by a database that was never part of the cluster */
#define RESTLESS   4 /* parts of the time that a writer waits: after the first the stream is opened again */

char *replica_key(const char *kind, const char *id)
{
    return xasprintf(REPLICA_DOCUMENT "%s/%s", kind, id);
}

int replica_add_change(struct change_set *set, const struct etcd_item *item, struct error *err)
{
    json_t *body = NULL;

    if (!text_starts_with(item->key, REPLICA_DOCUMENT))
        return 0;
    const char *kind = item->key + strlen(REPLICA_DOCUMENT), *slash = strchr(kind, '/');
    if (slash == NULL)
        return 0;
    autofree char *name = xstrndup(kind, (size_t)(slash - kind));
    if (item->value != NULL && object_parse(name, slash + 1, item->value, &body, err) != 0)
        return error_prefix(err, "etcd's key '%s': ", item->key);
    change_set_replicate(set, name, slash + 1, item->revision, body);
    return 0;
}

void replica_advance(struct replica *replica, const struct storage_position *position)
{
    pthread_mutex_lock(&replica->lock);
    replica->applied = *position;
    pthread_cond_broadcast(&replica->changed);
    pthread_mutex_unlock(&replica->lock);
}

struct storage_position replica_position(struct replica *replica)
{
    pthread_mutex_lock(&replica->lock);
    struct storage_position position = replica->applied;
    pthread_mutex_unlock(&replica->lock);
    return position;
}

/* Waits once; false if the time is over. To be called with the lock held. */
static bool wait_part(struct replica *replica, int64_t revision, unsigned milliseconds)
{
    struct timespec end = clock_after(milliseconds);
    int result = 0;

    while (replica->applied.revision < revision && result == 0)
        result = pthread_cond_timedwait(&replica->changed, &replica->lock, &end);
    return replica->applied.revision >= revision;
}

int replica_wait(struct replica *replica, int64_t revision, struct error *err)
{
    pthread_mutex_lock(&replica->lock);
    bool arrived = wait_part(replica, revision, REPLICA_WAIT_MS / RESTLESS);
    if (!arrived) {
        atomic_store(&replica->heard, 0); /* the member that we follow may hang */
        arrived = wait_part(replica, revision, REPLICA_WAIT_MS);
    }
    pthread_mutex_unlock(&replica->lock);
    if (arrived)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "the cluster has made the change, but it has not come back to this node within %d s; "
                     "its log says why",
                     (REPLICA_WAIT_MS + REPLICA_WAIT_MS / RESTLESS) / 1000);
}

static void set_follows(struct replica *replica, bool follows)
{
    pthread_mutex_lock(&replica->lock);
    bool news = replica->follows != follows;
    replica->follows = follows;
    pthread_mutex_unlock(&replica->lock);
    if (news && follows)
        replica->tell(NULL);
}

bool replica_follows(struct replica *replica)
{
    pthread_mutex_lock(&replica->lock);
    bool follows = replica->follows;
    pthread_mutex_unlock(&replica->lock);
    return follows;
}

static bool go_on(void *context)
{
    struct replica *replica = context;

    return !atomic_load(&replica->stopping) && clock_milliseconds() - atomic_load(&replica->heard) <
                                                   (atomic_load(&replica->spoke) ? SILENCE_MS : OPENING_MS);
}

static int apply(struct replica *replica, const struct etcd_items *changes,
                 const struct storage_position *position, struct error *err)
{
    autochange struct change_set *set = change_set_new();

    for (size_t i = 0; i < changes->count; i++)
        if (replica_add_change(set, &changes->items[i], err) != 0)
            return -1;
    set->position = *position;
    return set->first != NULL ? storage_apply(replica->storage, set, err) : 0;
}

/* Another cluster, or one that was put back to an earlier state, has nothing to do with what we have. */
static int take_changes(void *context, const struct etcd_items *changes, struct error *err)
{
    struct replica *replica = context;
    struct storage_position position = replica_position(replica);

    atomic_store(&replica->heard, clock_milliseconds());
    atomic_store(&replica->spoke, true);
    if (strcmp(changes->state.cluster, position.source) != 0 || changes->state.revision < position.revision)
        return error_set_reason(err, ERROR_FAILED, ETCD_COMPACTED, "etcd has other documents than before");
    set_follows(replica, true);
    if (changes->count == 0)
        return 0;
    position.revision = changes->items[changes->count - 1].revision;
    if (apply(replica, changes, &position, err) != 0)
        return -1;
    replica_advance(replica, &position);
    return 0;
}

static void pause_between(struct replica *replica)
{
    for (int slept = 0; slept < PAUSE_MS && !atomic_load(&replica->stopping); slept += STEP_MS)
        usleep(STEP_MS * 1000);
}

/* One stream, until it ends. A member's first failure is no news: the next one may do. */
static void follow_once(struct replica *replica, int *failures)
{
    const struct etcd_watch watch = {REPLICA_ROOT, replica_position(replica).revision + 1, go_on,
                                     take_changes, replica};
    struct error err;

    atomic_store(&replica->spoke, false);
    atomic_store(&replica->heard, clock_milliseconds());
    etcd_watch(replica->etcd, &watch, &err);
    if (atomic_load(&replica->spoke)) {
        *failures = 0;
        if (!go_on(replica)) /* nobody has written anything for a while: that is usual */
            return;
    }
    if (err.reason == ETCD_COMPACTED && replica_read_all(replica, &err) == 0)
        return;
    etcd_turn(replica->etcd);
    if (++*failures == 1)
        return;
    if (*failures == 2)
        replica->tell(err.message);
    set_follows(replica, false);
    pause_between(replica);
}

static void *follow(void *context)
{
    struct replica *replica = context;
    int failures = 0;

    while (!atomic_load(&replica->stopping))
        follow_once(replica, &failures);
    return NULL;
}

static bool is_silent(const struct error *err)
{
    return err->reason == ETCD_NOT_DONE || err->reason == ETCD_UNCLEAR;
}

/* A database that was never part of the cluster has nothing to go on with: etcd, which may be starting at the
 * same time, is waited for. */
static int join(struct replica *replica, struct error *err)
{
    int result = replica_join(replica, err);

    for (int looks = 1; result != 0 && is_silent(err) && replica->applied.revision == 0 && looks < JOINS;
         looks++) {
        pause_between(replica);
        result = replica_join(replica, err);
    }
    return result;
}

static int start(struct replica *replica, struct error *err)
{
    if (storage_read_position(replica->storage, &replica->applied, err) != 0)
        return -1;
    if (join(replica, err) != 0) {
        if (replica->applied.revision == 0 || !is_silent(err))
            return -1;
        replica->tell(err->message);
    }
    storage_set_backend(replica->storage, &replica->backend);
    int number = pthread_create(&replica->thread, NULL, follow, replica);
    if (number != 0)
        return error_set_errno(err, number, "cannot start a thread");
    /* an empty change set comes back when all that were before it have come */
    if (storage_commit(replica->storage, change_set_new(), err) != 0)
        replica->tell(err->message);
    return 0;
}

static void release(struct replica *replica)
{
    pthread_mutex_destroy(&replica->lock);
    pthread_cond_destroy(&replica->changed);
    free(replica->node);
    free(replica);
}

int replica_open(struct storage *storage, struct etcd *etcd, const char *node, replica_tell *tell,
                 struct replica **ret, struct error *err)
{
    struct replica *replica = xcalloc(1, sizeof(*replica));
    pthread_condattr_t monotonic;

    replica->backend.submit = replica_submit;
    replica->storage = storage;
    replica->etcd = etcd;
    replica->node = xstrdup(node);
    replica->tell = tell;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&replica->lock, NULL);
    pthread_cond_init(&replica->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (start(replica, err) != 0) {
        release(replica);
        return -1;
    }
    *ret = replica;
    return 0;
}

void replica_close(struct replica *replica)
{
    if (replica == NULL)
        return;
    atomic_store(&replica->stopping, true);
    pthread_join(replica->thread, NULL);
    storage_set_backend(replica->storage, NULL);
    release(replica);
}
