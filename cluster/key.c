/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that has the same content on all nodes. */
#include "cluster/key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#define KEY    "/hostpci/auth.key"
#define LIMIT  ((size_t)64 * 1024)
#define SHARED ".shared" /* beside the file: which content was shared last, and with which cluster */

static char *print_mark(const char *cluster, const char *content)
{
    char hash[SHA256_HEX_SIZE];

    hash_sha256(content, strlen(content), hash);
    return xasprintf("%s %s\n", cluster, hash);
}

static int remember(const struct shared_key *key, const char *cluster, const char *content, struct error *err)
{
    autofree char *path = xasprintf("%s" SHARED, key->path), *mark = print_mark(cluster, content);

    return file_replace(path, mark, strlen(mark), 0600, err);
}

/* Whether the file was replaced here after it had been shared, which may be long ago. */
static bool is_replaced(const struct shared_key *key, const char *cluster, const char *content)
{
    autofree char *path = xasprintf("%s" SHARED, key->path), *mark = print_mark(cluster, content);
    autofree char *last = NULL;
    struct error err;

    return file_read(path, LIMIT, &last, NULL, &err) == 0 && strcmp(last, mark) != 0 &&
           strncmp(last, mark, strcspn(mark, " ") + 1) == 0;
}

/* When another node is faster, the next look shows what it has put there. */
static int publish(struct shared_key *key, int64_t expected, const char *content, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    bool done;

    etcd_txn_expect(txn, KEY, expected);
    etcd_txn_put(txn, ETCD_THEN, KEY, content, 0);
    if (etcd_txn_run(key->etcd, txn, &done, &items, err) != 0)
        return -1;
    return done ? remember(key, items.state.cluster, content, err) : 0;
}

int shared_key_sync(struct shared_key *key, struct error *err)
{
    autoitems struct etcd_items items = {0};
    autofree char *own = NULL;

    if (file_read(key->path, LIMIT, &own, NULL, err) != 0 ||
        etcd_read(key->etcd, KEY, NULL, 1, 0, &items, err) != 0)
        return -1;
    if (items.count == 0)
        return publish(key, 0, own, err);
    const struct etcd_item *there = &items.items[0];
    if (strcmp(own, there->value) == 0 && key->revision == there->revision)
        return 0;
    if (is_replaced(key, items.state.cluster, own))
        return publish(key, there->revision, own, err);
    if (strcmp(own, there->value) != 0 &&
        file_replace(key->path, there->value, strlen(there->value), 0600, err) != 0)
        return -1;
    if (remember(key, items.state.cluster, there->value, err) != 0)
        return -1;
    key->revision = there->revision;
    return 0;
}

void shared_key_release(struct shared_key *key)
{
    free(key->path);
}
