/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of a cluster. */
#include "cluster/member.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#define PREFIX         "/hostpci/node/" /* NAME/about, which stays; NAME/online, under the lease */
#define AFTER          "/hostpci/node0"
#define COUNTER        "/hostpci/nodes" /* the highest id so far */
#define MOST           1000             /* nodes */
#define ROUND_MS       2000
#define STALE_MS       7000
#define MEASURE_ROUNDS 3
#define COMPACT_MS     (3600 * 1000LL)
#define ATTEMPTS       10

struct members {
    struct etcd *etcd;
    struct member_self self;
    members_tell *tell;
    pthread_t thread;
    int64_t lease;          /* of the thread; 0: not registered */
    int64_t old_revision;   /* of etcd, an hour ago */
    long long compacted;    /* when old_revision was read */
    pthread_mutex_t lock;   /* guards the rest */
    pthread_cond_t stopped; /* stopping has become true */
    bool stopping;
    json_t *table;  /* {NAME: {id, url, fingerprint, version, online, load?}} */
    long long read; /* when (clock_milliseconds()) */
};

/* What etcd has of the nodes, with what a transaction needs that expects it to stay so. */
struct reading {
    json_t *table;
    struct etcd_state state;
    int64_t about, online;    /* the revisions of our own keys */
    char *online_fingerprint; /* of the daemon that has our name now; NULL: none */
};

static void cleanup_reading(struct reading *reading)
{
    json_decref(reading->table);
    free(reading->online_fingerprint);
}
#define autoreading __attribute__((cleanup(cleanup_reading)))

static void note_own(struct reading *reading, const char *part, int64_t revision, const json_t *value)
{
    const char *fingerprint = json_string_value(json_object_get(value, "fingerprint"));

    if (strcmp(part, "about") == 0) {
        reading->about = revision;
        return;
    }
    reading->online = revision;
    reading->online_fingerprint = xstrdup(fingerprint != NULL ? fingerprint : "");
}

/* "/hostpci/node/NAME/about" and "/hostpci/node/NAME/online", in this order. */
static void add_item(struct reading *reading, const char *own, const struct etcd_item *item)
{
    const char *name = item->key + strlen(PREFIX), *slash = strchr(name, '/');
    autojson json_t *value = json_loads(item->value, 0, NULL);

    if (slash == NULL || !json_is_object(value))
        return;
    autofree char *node = xstrndup(name, (size_t)(slash - name));
    if (strcmp(node, own) == 0)
        note_own(reading, slash + 1, item->revision, value);
    if (strcmp(slash, "/about") == 0) {
        json_object_set_new(value, "name", json_string(node));
        json_object_set_new(value, "online", json_false());
        json_object_set(reading->table, node, value);
        return;
    }
    json_t *row = json_object_get(reading->table, node);
    json_object_set_new(row, "online", json_true());
    json_object_set(row, "load", json_object_get(value, "load"));
}

static int read_nodes(struct members *members, struct reading *ret, struct error *err)
{
    autoitems struct etcd_items items = {0};

    *ret = (struct reading){.table = json_object()};
    if (etcd_read(members->etcd, PREFIX, AFTER, 2 * MOST, 0, &items, err) != 0)
        return -1;
    ret->state = items.state;
    for (size_t i = 0; i < items.count; i++)
        add_item(ret, members->self.name, &items.items[i]);
    return 0;
}

static json_int_t choose_id(const struct members *members, const struct reading *reading)
{
    const json_t *own = json_object_get(reading->table, members->self.name);
    json_int_t highest = 0;
    const char *name;
    json_t *row;

    if (own != NULL)
        return json_integer_value(json_object_get(own, "id"));
    json_object_foreach(reading->table, name, row)
        if (json_integer_value(json_object_get(row, "id")) > highest)
            highest = json_integer_value(json_object_get(row, "id"));
    return highest + 1;
}

static char *print_online(const struct members *members)
{
    const struct member_self *self = &members->self;
    autojson json_t *online = json_pack("{s:s, s:o?}", "fingerprint", self->fingerprint, "load",
                                        self->measure != NULL ? self->measure(self->context) : NULL);

    return json_dumps(online, JSON_COMPACT);
}

static char *print_about(const struct members *members, json_int_t id)
{
    const struct member_self *self = &members->self;
    autojson json_t *about = json_pack("{s:I, s:s, s:s, s:s, s:s}", "id", id, "url", self->url, "fingerprint",
                                       self->fingerprint, "pin", self->pin, "version", self->version);

    return json_dumps(about, JSON_COMPACT);
}

/* The keys' revisions are expected, so that of two nodes that register at once one tries again. */
static int write_nodes(struct members *members, const struct reading *reading, int64_t counter,
                       bool *ret_done, struct error *err)
{
    const char *name = members->self.name;
    autofree char *about_key = xasprintf(PREFIX "%s/about", name);
    autofree char *online_key = xasprintf(PREFIX "%s/online", name);
    autofree char *about = print_about(members, choose_id(members, reading));
    autofree char *online = print_online(members);
    autotxn struct etcd_txn *txn = etcd_txn_new();

    etcd_txn_expect(txn, about_key, reading->about);
    etcd_txn_expect(txn, online_key, reading->online);
    etcd_txn_put(txn, ETCD_THEN, about_key, about, 0);
    etcd_txn_put(txn, ETCD_THEN, online_key, online, members->lease);
    if (reading->about == 0) {
        etcd_txn_expect(txn, COUNTER, counter);
        etcd_txn_put(txn, ETCD_THEN, COUNTER, name, 0);
    }
    return etcd_txn_run(members->etcd, txn, ret_done, NULL, err);
}

static int refuse_name(const struct members *members, const struct reading *reading, struct error *err)
{
    const char *name = members->self.name;
    const char *url = json_string_value(json_object_get(json_object_get(reading->table, name), "url"));

    return error_set(
        err, ERROR_CONFLICT,
        "another daemon is the node '%s' of this cluster, at %s; give this one another name with "
        "--node",
        name, url != NULL ? url : "an unknown address");
}

static int try_to_register(struct members *members, bool *ret_done, struct error *err)
{
    autoreading struct reading reading = {0};
    autoitems struct etcd_items counter = {0};

    if (etcd_read(members->etcd, COUNTER, NULL, 1, 0, &counter, err) != 0 ||
        read_nodes(members, &reading, err) != 0)
        return -1;
    if (reading.online_fingerprint != NULL &&
        strcmp(reading.online_fingerprint, members->self.fingerprint) != 0)
        return refuse_name(members, &reading, err);
    return write_nodes(members, &reading, counter.count > 0 ? counter.items[0].revision : 0, ret_done, err);
}

static int register_self(struct members *members, struct error *err)
{
    bool done = false;

    if (etcd_lease_grant(members->etcd, MEMBER_LEASE_SECONDS, &members->lease, err) != 0)
        return -1;
    for (int i = 0; i < ATTEMPTS && !done; i++) {
        if (try_to_register(members, &done, err) != 0) {
            members->lease = 0;
            return -1;
        }
    }
    if (done)
        return 0;
    members->lease = 0;
    return error_set(err, ERROR_BUSY, "too many nodes register at once");
}

/* When the lease has ended, the node registers again. */
static int renew(struct members *members, struct error *err)
{
    if (members->lease != 0 && etcd_lease_renew(members->etcd, members->lease, err) == 0)
        return 0;
    if (members->lease != 0 && err->kind != ERROR_NOT_FOUND)
        return -1;
    return register_self(members, err);
}

/* If that fails the next round's may not. */
static void publish_load(struct members *members)
{
    autofree char *key = xasprintf(PREFIX "%s/online", members->self.name);
    autofree char *online = print_online(members);
    autotxn struct etcd_txn *txn = etcd_txn_new();
    struct error ignored;
    bool done;

    etcd_txn_put(txn, ETCD_THEN, key, online, members->lease);
    etcd_txn_run(members->etcd, txn, &done, NULL, &ignored);
}

static bool is_first_online(const struct members *members, const json_t *table)
{
    const char *name;
    json_t *row;

    json_object_foreach((json_t *)table, name, row)
        if (json_is_true(json_object_get(row, "online")) && strcmp(name, members->self.name) < 0)
            return false;
    return true;
}

/* etcd keeps all that ever was, unless somebody tells it what nobody needs any more. */
static void forget_old(struct members *members, const struct reading *reading)
{
    long long now = clock_milliseconds();
    struct error ignored;

    if (members->compacted != 0 && now - members->compacted < COMPACT_MS)
        return;
    if (members->old_revision != 0 && is_first_online(members, reading->table))
        etcd_compact(members->etcd, members->old_revision, &ignored);
    members->old_revision = reading->state.revision;
    members->compacted = now;
}

static int look(struct members *members, struct error *err)
{
    autoreading struct reading reading = {0};

    if (read_nodes(members, &reading, err) != 0)
        return -1;
    forget_old(members, &reading);
    pthread_mutex_lock(&members->lock);
    json_decref(members->table);
    members->table = TAKE(reading.table);
    members->read = clock_milliseconds();
    pthread_mutex_unlock(&members->lock);
    return 0;
}

static bool wait_round(struct members *members)
{
    struct timespec end = clock_after(ROUND_MS);
    int result = 0;

    pthread_mutex_lock(&members->lock);
    while (!members->stopping && result == 0)
        result = pthread_cond_timedwait(&members->stopped, &members->lock, &end);
    bool goes_on = !members->stopping;
    pthread_mutex_unlock(&members->lock);
    return goes_on;
}

static void *keep(void *context)
{
    struct members *members = context;
    bool well = members->lease != 0;
    struct error err;

    for (int round = 1; wait_round(members); round++) {
        bool is_well = renew(members, &err) == 0 && look(members, &err) == 0;
        if (is_well != well)
            members->tell(is_well ? NULL : err.message);
        well = is_well;
        if (well && round % MEASURE_ROUNDS == 0)
            publish_load(members);
        if (well && members->self.each_round != NULL)
            members->self.each_round(members->self.context);
    }
    return NULL;
}

static int start(struct members *members, struct error *err)
{
    if (register_self(members, err) != 0 || look(members, err) != 0) {
        if (err->reason != ETCD_NOT_DONE && err->reason != ETCD_UNCLEAR)
            return -1;
        members->tell(err->message);
    }
    int number = pthread_create(&members->thread, NULL, keep, members);
    return number == 0 ? 0 : error_set_errno(err, number, "cannot start a thread");
}

static void release(struct members *members)
{
    json_decref(members->table);
    pthread_mutex_destroy(&members->lock);
    pthread_cond_destroy(&members->stopped);
    free(members);
}

int members_open(struct etcd *etcd, const struct member_self *self, members_tell *tell, struct members **ret,
                 struct error *err)
{
    struct members *members = xcalloc(1, sizeof(*members));
    pthread_condattr_t monotonic;

    members->etcd = etcd;
    members->self = *self;
    members->tell = tell;
    members->table = json_object();
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&members->lock, NULL);
    pthread_cond_init(&members->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (start(members, err) != 0) {
        release(members);
        return -1;
    }
    *ret = members;
    return 0;
}

void members_close(struct members *members)
{
    struct error ignored;

    if (members == NULL)
        return;
    pthread_mutex_lock(&members->lock);
    members->stopping = true;
    pthread_cond_signal(&members->stopped);
    pthread_mutex_unlock(&members->lock);
    pthread_join(members->thread, NULL);
    if (members->lease != 0)
        etcd_lease_revoke(members->etcd, members->lease, &ignored);
    release(members);
}

static bool is_current(const struct members *members)
{
    return members->read != 0 && clock_milliseconds() - members->read < STALE_MS;
}

bool members_have_quorum(struct members *members)
{
    pthread_mutex_lock(&members->lock);
    bool current = is_current(members);
    pthread_mutex_unlock(&members->lock);
    return current;
}

/* With the lock held. */
static json_t *copy_row(const struct members *members, const char *name)
{
    json_t *row = json_deep_copy(json_object_get(members->table, name));
    const struct member_self *self = &members->self;

    if (strcmp(name, self->name) != 0) {
        if (!is_current(members))
            json_object_set_new(row, "online", json_false());
        return row;
    }
    if (row == NULL)
        row = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "name", name, "id", 0, "url", self->url,
                        "fingerprint", self->fingerprint, "pin", self->pin, "version", self->version);
    json_object_set_new(row, "online", json_true());
    return row;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *members_list(struct members *members)
{
    json_t *list = json_array(), *row;
    const char *name;
    size_t count = 0;

    pthread_mutex_lock(&members->lock);
    const char **names = xcalloc(json_object_size(members->table) + 1, sizeof(*names));
    json_object_foreach(members->table, name, row)
        names[count++] = name;
    if (json_object_get(members->table, members->self.name) == NULL)
        names[count++] = members->self.name;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, copy_row(members, names[i]));
    pthread_mutex_unlock(&members->lock);
    free(names);
    return list;
}

json_t *members_find(struct members *members, const char *name)
{
    pthread_mutex_lock(&members->lock);
    json_t *row = copy_row(members, name);
    pthread_mutex_unlock(&members->lock);
    return row;
}
