/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of several nodes: what a database begins with. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/internal.h"
#include "storage/replica/internal.h"

#define PAGE            100
#define BATCH           100
#define FILLING_SECONDS 60 /* a node that stops in the middle is followed by another one after that time */
#define EVERYWHERE      REPLICA_DOCUMENT "user/root@pam" /* every new database has it */
#define LOOKS           200                              /* at what another node fills */
#define LOOK_MS         100

/* All documents of etcd's at one moment. */
struct all {
    struct storage_position position;
    json_t *ours;           /* {KEY: {kind, id, revision, text}} of the database's documents */
    json_t *texts;          /* {KEY: text} of etcd's */
    struct change_set *set; /* what makes ours the same */
};

static void cleanup_all(struct all *all)
{
    json_decref(all->ours);
    json_decref(all->texts);
    change_set_free(all->set);
}
#define autoall __attribute__((cleanup(cleanup_all)))

/* As in struct all. */
static int list_ours(struct replica *replica, json_t **ret, struct error *err)
{
    autojson json_t *list = NULL, *ours = json_object();
    size_t i;
    json_t *document;

    if (storage_list_documents(replica->storage, &list, err) != 0)
        return -1;
    json_array_foreach(list, i, document) {
        autofree char *key = replica_key(json_string_value(json_object_get(document, "kind")),
                                         json_string_value(json_object_get(document, "id")));
        json_object_set(ours, key, document);
    }
    *ret = TAKE(ours);
    return 0;
}

static bool has(const json_t *ours, const struct etcd_item *item)
{
    const json_t *document = json_object_get(ours, item->key);
    const char *text = json_string_value(json_object_get(document, "text"));

    return text != NULL && strcmp(text, item->value) == 0 &&
           json_integer_value(json_object_get(document, "revision")) == item->revision;
}

static int add_page(struct all *all, const struct etcd_items *page, struct error *err)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct etcd_item *item = &page->items[i];
        if (!has(all->ours, item) && replica_add_change(all->set, item, err) != 0)
            return -1;
        json_object_set_new(all->texts, item->key, json_string(item->value));
    }
    return 0;
}

static int read_pages(struct replica *replica, struct all *all, struct error *err)
{
    autofree char *from = xstrdup(REPLICA_DOCUMENT);
    bool more = true;

    while (more) {
        autoitems struct etcd_items page = {0};
        if (etcd_read(replica->etcd, from, REPLICA_AFTER, PAGE, all->position.revision, &page, err) != 0 ||
            add_page(all, &page, err) != 0)
            return -1;
        if (all->position.revision == 0) {
            all->position.revision = page.state.revision;
            snprintf(all->position.source, sizeof(all->position.source), "%s", page.state.cluster);
        }
        more = page.more && page.count > 0;
        if (more) {
            free(from);
            from = xasprintf("%s\x01", page.items[page.count - 1].key); /* no id has such a byte */
        }
    }
    return 0;
}

static int read_both(struct replica *replica, struct all *ret, struct error *err)
{
    *ret = (struct all){.texts = json_object(), .set = change_set_new()};
    if (list_ours(replica, &ret->ours, err) != 0)
        return -1;
    return read_pages(replica, ret, err);
}

/* What is here and not in etcd is deleted. */
static void add_deletions(struct all *all)
{
    const char *key;
    json_t *document;

    json_object_foreach(all->ours, key, document)
        if (json_object_get(all->texts, key) == NULL)
            change_set_replicate(all->set, json_string_value(json_object_get(document, "kind")),
                                 json_string_value(json_object_get(document, "id")), 0, NULL);
}

int replica_read_all(struct replica *replica, struct error *err)
{
    autoall struct all all = {0};

    if (read_both(replica, &all, err) != 0)
        return -1;
    add_deletions(&all);
    all.set->position = all.position;
    if (storage_apply(replica->storage, all.set, err) != 0)
        return -1;
    replica_advance(replica, &all.position);
    return 0;
}

/* A database that was never part of the cluster may only have what the cluster has, too, and the user
 * root@pam, whom every new one has. */
static int check_ours(struct replica *replica, struct error *err)
{
    autoall struct all all = {0};
    autotext struct text names = {0};
    const char *key;
    json_t *document;
    int count = 0;

    if (read_both(replica, &all, err) != 0)
        return -1;
    json_object_foreach(all.ours, key, document) {
        if (json_equal(json_object_get(document, "text"), json_object_get(all.texts, key)) ||
            strcmp(key, EVERYWHERE) == 0)
            continue;
        if (count++ < 5)
            text_printf(&names, "%s%s", count > 1 ? ", " : "", key + strlen(REPLICA_DOCUMENT));
    }
    if (count == 0)
        return 0;
    return error_set(
        err, ERROR_CONFLICT,
        "this node has %d documents that the cluster does not have, or has otherwise: %s%s; they "
        "would be lost if it joined. Keep them with `hostpci backup FILE`, and start the daemon "
        "with an empty --state-dir",
        count, text_string(&names), count > 5 ? ", ..." : "");
}

static int put_batch(struct replica *replica, int64_t claim, const json_t *ours, void **ret_next,
                     struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    void *at = *ret_next;
    size_t bytes = 0;
    bool done;

    etcd_txn_expect(txn, REPLICA_FILLING, claim);
    for (int i = 0; i < BATCH && at != NULL && bytes < ETCD_TXN_BYTES / 2; i++) {
        const json_t *text = json_object_get(json_object_iter_value(at), "text");
        bytes += json_string_length(text);
        etcd_txn_put(txn, ETCD_THEN, json_object_iter_key(at), json_string_value(text), 0);
        at = json_object_iter_next((json_t *)ours, at);
    }
    if (etcd_txn_run(replica->etcd, txn, &done, NULL, err) != 0)
        return -1;
    *ret_next = at;
    return done ? 0
                : error_set(err, ERROR_FAILED, "another node has begun to fill the empty etcd; start again");
}

/* The documents of a node that stopped in the middle are removed. */
static int claim_empty(struct replica *replica, int64_t *ret_claim, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    int64_t lease;
    bool done;

    if (etcd_lease_grant(replica->etcd, FILLING_SECONDS, &lease, err) != 0)
        return -1;
    etcd_txn_expect(txn, REPLICA_CLUSTER, 0);
    etcd_txn_expect(txn, REPLICA_FILLING, 0);
    etcd_txn_put(txn, ETCD_THEN, REPLICA_FILLING, replica->node, lease);
    etcd_txn_delete(txn, ETCD_THEN, REPLICA_DOCUMENT, REPLICA_AFTER);
    if (etcd_txn_run(replica->etcd, txn, &done, &items, err) != 0)
        return -1;
    if (!done)
        return error_set(err, ERROR_BUSY,
                         "another node fills the empty etcd, or stopped while it did; start again in %d s",
                         FILLING_SECONDS);
    *ret_claim = items.state.revision;
    return 0;
}

static int finish_filling(struct replica *replica, int64_t claim, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    bool done;

    etcd_txn_expect(txn, REPLICA_FILLING, claim);
    etcd_txn_put(txn, ETCD_THEN, REPLICA_CLUSTER, replica->node, 0);
    etcd_txn_delete(txn, ETCD_THEN, REPLICA_FILLING, NULL);
    if (etcd_txn_run(replica->etcd, txn, &done, NULL, err) != 0)
        return -1;
    return done ? 0 : error_set(err, ERROR_FAILED, "it took too long to fill the empty etcd; start again");
}

/* Nobody looks at the documents before the key REPLICA_CLUSTER exists. */
static int fill(struct replica *replica, struct error *err)
{
    autojson json_t *ours = NULL;
    int64_t claim = 0;

    if (list_ours(replica, &ours, err) != 0 || claim_empty(replica, &claim, err) != 0)
        return -1;
    for (void *next = json_object_iter(ours); next != NULL;)
        if (put_batch(replica, claim, ours, &next, err) != 0)
            return -1;
    return finish_filling(replica, claim, err);
}

/* The changes since the position come by the stream. */
static bool is_continued(const struct storage_position *position, const struct etcd_state *state)
{
    return strcmp(position->source, state->cluster) == 0 && position->revision <= state->revision;
}

/* Fills an empty etcd, or waits until another node has done it. */
static int read_cluster(struct replica *replica, struct etcd_items *ret, struct error *err)
{
    for (int looks = 0;; looks++) {
        autoitems struct etcd_items cluster = {0};
        if (etcd_read(replica->etcd, REPLICA_CLUSTER, NULL, 1, 0, &cluster, err) != 0)
            return -1;
        if (cluster.count > 0) {
            *ret = cluster;
            cluster = (struct etcd_items){0};
            return 0;
        }
        if (fill(replica, err) != 0) {
            if (err->kind != ERROR_BUSY || looks == LOOKS)
                return -1;
            usleep(LOOK_MS * 1000);
        }
    }
}

int replica_join(struct replica *replica, struct error *err)
{
    autoitems struct etcd_items cluster = {0};

    if (read_cluster(replica, &cluster, err) != 0)
        return -1;
    if (replica->applied.revision == 0) {
        if (check_ours(replica, err) != 0)
            return -1;
    } else if (is_continued(&replica->applied, &cluster.state)) {
        return 0;
    }
    return replica_read_all(replica, err);
}
