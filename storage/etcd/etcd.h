/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of etcd, 3.4 and later, by its JSON gateway.
 *
 * It has several endpoints and stays with one while that answers, then takes the next. Every call has a
 * deadline, and says that a member that has lost its leader must refuse it at once: etcd would let it hang.
 * An error of a call has a reason (enum etcd_reason), and names the endpoint that was asked last. Values are
 * texts; keys and values that contain a NUL byte are left out of what is read. Thread-safe. */
#ifndef HOSTPCI_STORAGE_ETCD_ETCD_H
#define HOSTPCI_STORAGE_ETCD_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The most of one transaction, in the servers' default settings. */
#define ETCD_TXN_EXPECTED   128
#define ETCD_TXN_OPERATIONS (63 * 63)       /* of each branch */
#define ETCD_TXN_BYTES      (1024UL * 1024) /* below their limit of 1.5 MiB, which counts more than values */

enum etcd_reason {
    ETCD_NOT_DONE = 1, /* nobody carried it out: no member could be reached, or none has a leader */
    ETCD_UNCLEAR,      /* it was sent, but no answer came: it may have been carried out, or be so later */
    ETCD_COMPACTED,    /* the revision is not kept any more */
};

struct etcd;

/* The files may be NULL. */
struct etcd_options {
    const char *endpoints; /* URL[,URL...] */
    const char *ca, *certificate, *key;
};

/* Checks the options only; it calls nobody. */
int etcd_open(const struct etcd_options *options, struct etcd **ret, struct error *err);
void etcd_close(struct etcd *etcd); /* takes NULL */

/* Lets the next call begin with another endpoint. */
void etcd_turn(struct etcd *etcd);

/* What every answer tells of the whole store. */
struct etcd_state {
    char cluster[24];
    int64_t revision;
};

struct etcd_item {
    char *key;
    char *value; /* NULL: the key was deleted */
    int64_t revision;
};

struct etcd_items {
    struct etcd_state state;
    struct etcd_item *items;
    size_t count;
    bool more; /* there are further keys */
};
void etcd_items_release(struct etcd_items *items);
#define autoitems __attribute__((cleanup(etcd_items_release)))

/* At most `limit` keys from `first` to before `end` in their order, as they were at that revision (0: now).
 * `end` NULL: the one key. */
int etcd_read(struct etcd *etcd, const char *first, const char *end, int limit, int64_t revision,
              struct etcd_items *ret, struct error *err);

/* A transaction: if all that it expects is true, `then` is carried out, else `otherwise`. A key may be
 * changed once in each. */
struct etcd_txn;
enum etcd_branch { ETCD_THEN, ETCD_OTHERWISE };
struct etcd_txn *etcd_txn_new(void);
void etcd_txn_free(struct etcd_txn *txn); /* takes NULL */
void cleanup_etcd_txn(struct etcd_txn **txn);
#define autotxn __attribute__((cleanup(cleanup_etcd_txn)))

/* Revision 0: the key must not exist. */
void etcd_txn_expect(struct etcd_txn *txn, const char *key, int64_t revision);
/* Of the keys from `first` to before `end`, none that is there was written after the revision. */
void etcd_txn_expect_range(struct etcd_txn *txn, const char *first, const char *end, int64_t revision);
/* `lease` 0: none. */
void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *value,
                  int64_t lease);
/* `end` as above. */
void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *end);
void etcd_txn_read(struct etcd_txn *txn, enum etcd_branch branch, const char *key);

/* *ret_items, which may be NULL, are those that the branch read. Tries another endpoint only if it is certain
 * that the first did nothing. */
int etcd_txn_run(struct etcd *etcd, const struct etcd_txn *txn, bool *ret_then, struct etcd_items *ret_items,
                 struct error *err);

/* A lease ends, and with it its keys, when it has not been renewed for that long. ERROR_NOT_FOUND: it has
 * ended already. */
int etcd_lease_grant(struct etcd *etcd, unsigned seconds, int64_t *ret, struct error *err);
int etcd_lease_renew(struct etcd *etcd, int64_t lease, struct error *err);
int etcd_lease_revoke(struct etcd *etcd, int64_t lease, struct error *err); /* ends it now */

/* Forgets what is older than the revision. */
int etcd_compact(struct etcd *etcd, int64_t revision, struct error *err);

/* Follows the keys that begin with `prefix` from a revision on. Returns only with an error: the stream broke,
 * `go_on` said no (it is asked about once a second), or a callback failed. */
struct etcd_watch {
    const char *prefix;
    int64_t revision; /* of the first change that is told */
    bool (*go_on)(void *context);
    /* once at the beginning, with no items, then for each message: changes in their order, and never a part
     * of a transaction */
    int (*take)(void *context, const struct etcd_items *changes, struct error *err);
    void *context;
};
int etcd_watch(struct etcd *etcd, const struct etcd_watch *watch, struct error *err);

#endif
