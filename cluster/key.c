/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that has the same content on all nodes. */
#include "cluster/key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define KEY   "/hostpci/auth.key"
#define LIMIT ((size_t)64 * 1024)

static void remember(struct shared_key *key, const char *content, int64_t revision)
{
    free(key->content);
    key->content = xstrdup(content);
    key->revision = revision;
}

/* When another node is faster, the next look shows what it has put there. */
static int publish(struct shared_key *key, const char *content, struct error *err)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    bool done;

    etcd_txn_expect(txn, KEY, key->revision);
    etcd_txn_put(txn, ETCD_THEN, KEY, content, 0);
    if (etcd_txn_run(key->etcd, txn, &done, &items, err) != 0)
        return -1;
    if (done)
        remember(key, content, items.state.revision);
    return 0;
}

int shared_key_sync(struct shared_key *key, struct error *err)
{
    autoitems struct etcd_items items = {0};
    autofree char *own = NULL;

    if (file_read(key->path, LIMIT, &own, NULL, err) != 0 ||
        etcd_read(key->etcd, KEY, NULL, 1, 0, &items, err) != 0)
        return -1;
    if (items.count == 0) {
        key->revision = 0;
        return publish(key, own, err);
    }
    const struct etcd_item *there = &items.items[0];
    if (there->revision == key->revision)
        return strcmp(own, key->content) == 0 ? 0 : publish(key, own, err);
    if (strcmp(own, there->value) != 0 &&
        file_replace(key->path, there->value, strlen(there->value), 0600, err) != 0)
        return -1;
    remember(key, there->value, there->revision);
    return 0;
}

void shared_key_release(struct shared_key *key)
{
    free(key->path);
    free(key->content);
}
