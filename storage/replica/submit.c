/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of several nodes: a change set becomes a transaction of etcd's. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "storage/internal.h"
#include "storage/replica/internal.h"

#define PATIENCE_MS 12000                     /* with a set whose outcome is not known */
#define MOST        (ETCD_TXN_OPERATIONS - 1) /* documents at once, beside the writer's slot */
#define EXPECTED    (ETCD_TXN_EXPECTED - 2)   /* documents whose revisions are expected one by one */

struct writing {
    struct replica *replica;
    const struct change_set *set;
    struct replica_slot *slot;
    char *slot_key, *refused_key;
    long long end; /* clock_milliseconds() */
};

static struct replica_slot *take_slot(struct replica *replica, size_t *ret_number)
{
    size_t i = 0;

    pthread_mutex_lock(&replica->lock);
    while (replica->slots[i].taken) {
        i = (i + 1) % REPLICA_SLOTS;
        if (i == 0)
            pthread_cond_wait(&replica->changed, &replica->lock);
    }
    replica->slots[i].taken = true;
    pthread_mutex_unlock(&replica->lock);
    *ret_number = i;
    return &replica->slots[i];
}

static void give_slot(struct replica *replica, struct replica_slot *slot)
{
    pthread_mutex_lock(&replica->lock);
    slot->taken = false;
    pthread_cond_broadcast(&replica->changed);
    pthread_mutex_unlock(&replica->lock);
}

static int no_quorum(struct error *err)
{
    return error_set_reason(err, ERROR_FAILED, ETCD_NOT_DONE, REPLICA_NO_QUORUM);
}

static bool is_silent(const struct error *err)
{
    return err->reason == ETCD_NOT_DONE || err->reason == ETCD_UNCLEAR;
}

static int learn_slot(struct writing *writing, struct error *err)
{
    autoitems struct etcd_items items = {0};

    if (writing->slot->known)
        return 0;
    if (etcd_read(writing->replica->etcd, writing->slot_key, NULL, 1, 0, &items, err) != 0)
        return is_silent(err) ? no_quorum(err) : -1;
    writing->slot->known = true;
    writing->slot->revision = items.count > 0 ? items.items[0].revision : 0;
    return 0;
}

static size_t count_changes(const struct change_set *set)
{
    size_t count = 0;

    for (const struct change *change = set->first; change != NULL; change = change->next)
        count++;
    return count;
}

static void expect_each(const struct change_set *set, struct etcd_txn *txn)
{
    for (const struct change *change = set->first; change != NULL; change = change->next) {
        autofree char *key = replica_key(change->kind, change->id);
        if (change->expected != REVISION_ANY)
            etcd_txn_expect(txn, key, change->expected);
    }
}

/* More revisions than a transaction can expect: they are compared here, and nobody may have written anything
 * since. An etcd that was put back would not notice that, so it is asked first. */
static int expect_no_writer(const struct writing *writing, struct etcd_txn *txn, struct error *err)
{
    autoitems struct etcd_items cluster = {0};
    struct storage_position position = replica_position(writing->replica);

    if (etcd_read(writing->replica->etcd, REPLICA_CLUSTER, NULL, 1, 0, &cluster, err) != 0)
        return is_silent(err) ? no_quorum(err) : -1;
    if (strcmp(cluster.state.cluster, position.source) != 0 || cluster.state.revision < position.revision)
        return error_set(err, ERROR_BUSY,
                         "etcd has other documents than this node, which reads them just now; try again");
    etcd_txn_expect_range(txn, REPLICA_WRITERS, REPLICA_AFTER_WRITERS, position.revision);
    return storage_check(writing->replica->storage, writing->set, err);
}

static int build(const struct writing *writing, struct etcd_txn *txn, struct error *err)
{
    size_t count = count_changes(writing->set), bytes = 0;

    etcd_txn_expect(txn, writing->slot_key, writing->slot->revision);
    if (count <= EXPECTED)
        expect_each(writing->set, txn);
    else if (expect_no_writer(writing, txn, err) != 0)
        return -1;
    etcd_txn_put(txn, ETCD_THEN, writing->slot_key, writing->set->id, 0);
    etcd_txn_put(txn, ETCD_OTHERWISE, writing->refused_key, writing->set->id, 0);
    for (const struct change *change = writing->set->first; change != NULL; change = change->next) {
        autofree char *key = replica_key(change->kind, change->id);
        autofree char *text = change->body != NULL ? object_print(change->body) : NULL;
        if (text != NULL)
            etcd_txn_put(txn, ETCD_THEN, key, text, 0);
        else
            etcd_txn_delete(txn, ETCD_THEN, key, NULL);
        bytes += strlen(key) + (text != NULL ? strlen(text) : 0);
    }
    if (count <= MOST && bytes <= ETCD_TXN_BYTES)
        return 0;
    return error_set(err, ERROR_TOO_LARGE,
                     "this changes %zu documents of %zu bytes together, and a cluster changes at most %d of "
                     "%lu bytes at once; make it in several steps",
                     count, bytes, MOST, ETCD_TXN_BYTES);
}

/* Finds out whether the transaction was carried out, and makes sure that it is not from now on. */
static int find_out(struct writing *writing, bool *ret_done, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    bool unchanged;

    etcd_txn_expect(txn, writing->slot_key, writing->slot->revision);
    etcd_txn_put(txn, ETCD_THEN, writing->slot_key, "", 0);
    etcd_txn_read(txn, ETCD_OTHERWISE, writing->slot_key);
    if (etcd_txn_run(writing->replica->etcd, txn, &unchanged, &items, err) != 0)
        return -1;
    *ret_done = false;
    if (unchanged) {
        writing->slot->revision = items.state.revision;
        return 0;
    }
    if (items.count == 0) /* somebody has removed the key */
        return error_set(err, ERROR_FAILED, "etcd's key '%s' is gone", writing->slot_key);
    *ret_done = strcmp(items.items[0].value, writing->set->id) == 0;
    writing->slot->revision = items.items[0].revision;
    return 0;
}

static int find_out_patiently(struct writing *writing, bool *ret_done, struct error *err)
{
    struct error reason = *err;

    while (find_out(writing, ret_done, &reason) != 0) {
        if (clock_milliseconds() < writing->end && reason.reason == ETCD_UNCLEAR)
            continue;
        writing->slot->known = false;
        return error_set(err, ERROR_FAILED,
                         "it is not known whether the cluster has made this change, or will; look at it "
                         "before you try again (%.500s)",
                         reason.message);
    }
    return 0;
}

/* *ret_done stays false if the set has to be tried again. */
static int take_answer(struct writing *writing, bool accepted, int64_t revision, bool *ret_done,
                       struct error *err)
{
    if (accepted)
        writing->slot->revision = revision;
    *ret_done = accepted;
    if (replica_wait(writing->replica, revision, err) != 0)
        return -1;
    if (accepted)
        return 0;
    writing->slot->known = false; /* another daemon of our name may have used it */
    return storage_check(writing->replica->storage, writing->set, err);
}

static int attempt(struct writing *writing, bool *ret_done, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    bool accepted;

    if (learn_slot(writing, err) != 0 || build(writing, txn, err) != 0)
        return -1;
    if (etcd_txn_run(writing->replica->etcd, txn, &accepted, &items, err) == 0)
        return take_answer(writing, accepted, items.state.revision, ret_done, err);
    if (err->reason == ETCD_NOT_DONE)
        return no_quorum(err);
    if (err->reason != ETCD_UNCLEAR)
        return -1;
    if (find_out_patiently(writing, ret_done, err) != 0)
        return -1;
    return *ret_done ? replica_wait(writing->replica, writing->slot->revision, err) : 0;
}

static int give_up(const struct writing *writing, struct error *err)
{
    if (count_changes(writing->set) <= EXPECTED)
        return no_quorum(err);
    return error_set(err, ERROR_BUSY,
                     "other changes came first again and again, for %d s, and this one is so large that it "
                     "needs a moment without any; try again",
                     PATIENCE_MS / 1000);
}

static int write_set(struct writing *writing, struct error *err)
{
    bool done = false;

    while (!done) {
        if (attempt(writing, &done, err) != 0)
            return -1;
        if (!done && clock_milliseconds() >= writing->end)
            return give_up(writing, err);
    }
    return 0;
}

void replica_submit(struct storage_backend *self, struct storage *storage, struct change_set *set,
                    commit_done *done, void *context)
{
    struct replica *replica = (struct replica *)self;
    autochange struct change_set *taken = set;
    struct error err;
    size_t number;

    (void)storage;
    struct replica_slot *slot = take_slot(replica, &number);
    autofree char *slot_key = xasprintf(REPLICA_WRITERS "%s/%zu", replica->node, number);
    autofree char *refused_key = xasprintf(REPLICA_ROOT "refused/%s", replica->node);
    struct writing writing = {replica,  taken,       slot,
                              slot_key, refused_key, clock_milliseconds() + PATIENCE_MS};
    int result = write_set(&writing, &err);
    give_slot(replica, slot);
    done(context, result == 0 ? NULL : &err);
}
