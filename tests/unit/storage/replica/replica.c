/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several databases that follow one real etcd. */
#include "storage/replica/replica.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "storage/commit.h"
#include "storage/edit.h"
#include "tests/etcd.h"
#include "tests/unit/storage/fixture.h"

#define LOOKS 1500 /* of 20 ms */

/* A daemon's half that matters here. */
struct node {
    struct fixture fixture;
    struct storage *storage;
    struct etcd *etcd;
    struct replica *replica;
};

static void ignore(const char *trouble)
{
    (void)trouble;
}

static int node_try(struct node *node, const struct etcd_servers *servers, const char *name,
                    struct error *err)
{
    const struct etcd_options options = {.endpoints = servers->endpoints};

    node->storage = fixture_open(node->fixture.path);
    cr_assert_eq(etcd_open(&options, &node->etcd, err), 0, "%s", err->message);
    if (replica_open(node->storage, node->etcd, name, ignore, &node->replica, err) == 0)
        return 0;
    etcd_close(node->etcd);
    storage_close(node->storage);
    return -1;
}

static void node_open(struct node *node, const struct etcd_servers *servers, const char *name)
{
    struct error err;

    if (node->fixture.path[0] == '\0')
        fixture_make(&node->fixture);
    cr_assert_eq(node_try(node, servers, name, &err), 0, "%s", err.message);
}

static void node_close(struct node *node)
{
    replica_close(node->replica);
    etcd_close(node->etcd);
    storage_close(node->storage);
    node->replica = NULL;
}

static void node_remove(struct node *node)
{
    if (node->replica != NULL)
        node_close(node);
    fixture_remove(&node->fixture);
}
#define autonode __attribute__((cleanup(node_remove)))

/* Until the document has this body ("": does not exist). */
static void wait_for(struct node *node, const char *id, const char *text)
{
    for (int looks = 0;; looks++) {
        autojson json_t *body = NULL, *wanted = text[0] != '\0' ? fixture_json(text) : NULL;
        struct error err;
        bool exists = object_read(node->storage, "thing", id, &body, NULL, &err) == 0;
        if (exists ? json_equal(body, wanted) : wanted == NULL)
            return;
        cr_assert_lt(looks, LOOKS, "thing %s did not become %s", id, text);
        usleep(20000);
    }
}

static void must_delete(struct storage *storage, const char *id)
{
    autochange struct change_set *set = change_set_new();
    struct error err;

    change_set_delete(set, "thing", id, REVISION_ANY);
    cr_assert_eq(storage_commit(storage, TAKE(set), &err), 0, "%s", err.message);
}

static int64_t revision(struct node *node, const char *id)
{
    return fixture_revision(node->storage, "thing", id);
}

Test(replica, what_one_writes_all_have_with_the_same_revision)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0};
    etcd_servers_start(&servers, 1, false);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");

    fixture_put(a.storage, "thing", "x/y z", "{'n': 1}");
    wait_for(&a, "x/y z", "{'n': 1}");
    wait_for(&b, "x/y z", "{'n': 1}");
    cr_assert_eq(revision(&a, "x/y z"), revision(&b, "x/y z"));
    fixture_put(b.storage, "thing", "x/y z", "{'n': 2}");
    wait_for(&a, "x/y z", "{'n': 2}");
    must_delete(a.storage, "x/y z");
    wait_for(&b, "x/y z", "");
}

Test(replica, who_did_not_see_the_latest_change_is_refused)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0};
    struct error err;
    etcd_servers_start(&servers, 1, false);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");

    cr_assert_eq(fixture_try_put(a.storage, "thing", "x", 0, "{}", &err), 0, "%s", err.message);
    cr_assert_eq(fixture_try_put(b.storage, "thing", "x", 0, "{}", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "thing 'x' already exists");
    int64_t seen = revision(&b, "x");
    cr_assert_eq(fixture_try_put(a.storage, "thing", "x", seen, "{'n': 1}", &err), 0, "%s", err.message);
    cr_assert_eq(fixture_try_put(b.storage, "thing", "x", seen, "{'n': 2}", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "was changed meanwhile");
    must_delete(a.storage, "x");
    cr_assert_eq(fixture_try_put(b.storage, "thing", "x", seen, "{'n': 2}", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "was deleted meanwhile");
}

static int count_up(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    autojson json_t *body = NULL;
    int64_t seen;

    (void)context;
    if (object_read(storage, "thing", "counter", &body, &seen, err) != 0)
        return -1;
    json_object_set_new(body, "n", json_integer(json_integer_value(json_object_get(body, "n")) + 1));
    change_set_put(set, "thing", "counter", seen, TAKE(body));
    return 0;
}

#define TIMES 25

struct counting {
    struct storage *storage;
    int done, unknown;
};

static void *count_often(void *context)
{
    struct counting *counting = context;
    struct error err;

    for (int i = 0; i < TIMES; i++) {
        if (edit_run(counting->storage, count_up, NULL, &err) == 0)
            counting->done++;
        else if (strstr(err.message, "it is not known") != NULL || strstr(err.message, "has made the change"))
            counting->unknown++;
    }
    return NULL;
}

static char *read_counter(struct node *node, int *ret)
{
    autojson json_t *body = NULL;
    struct error err;

    fixture_put(node->storage, "thing", "after", "{}"); /* so that all before it has come */
    cr_assert_eq(object_read(node->storage, "thing", "counter", &body, NULL, &err), 0, "%s", err.message);
    *ret = (int)json_integer_value(json_object_get(body, "n"));
    return xasprintf("{'n': %d}", *ret);
}

Test(replica, of_concurrent_writers_no_change_is_lost_and_none_made_twice)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    struct node nodes[3] = {0};
    struct counting counting[6] = {0};
    pthread_t threads[6];
    int done = 0, unknown = 0, counted;

    etcd_servers_start(&servers, 3, false);
    node_open(&nodes[0], &servers, "a");
    node_open(&nodes[1], &servers, "b");
    node_open(&nodes[2], &servers, "c");
    fixture_put(nodes[0].storage, "thing", "counter", "{'n': 0}");
    wait_for(&nodes[1], "counter", "{'n': 0}");
    wait_for(&nodes[2], "counter", "{'n': 0}");
    for (int i = 0; i < 6; i++) {
        counting[i].storage = nodes[i % 3].storage;
        cr_assert_eq(pthread_create(&threads[i], NULL, count_often, &counting[i]), 0);
    }
    etcd_servers_kill(&servers, 1);
    etcd_servers_run(&servers, 1);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        done += counting[i].done;
        unknown += counting[i].unknown;
    }
    autofree char *wanted = read_counter(&nodes[0], &counted);
    cr_assert(counted >= done && counted <= done + unknown, "%d of %d changes, %d unknown", counted, done,
              unknown);
    for (int i = 0; i < 3; i++) {
        wait_for(&nodes[i], "counter", wanted);
        node_remove(&nodes[i]);
    }
    cr_assert_gt(done, TIMES, "hardly any writer got through");
}

#define MANY 3900 /* documents, more than a transaction of etcd's has operations */

static struct change_set *make_many(struct node *node, const char *text)
{
    struct change_set *set = change_set_new();

    for (int i = 0; i < MANY; i++) {
        autofree char *id = xasprintf("m%04d", i);
        change_set_put(set, "thing", id, fixture_revision(node->storage, "thing", id), fixture_json(text));
    }
    return set;
}

Test(replica, thousands_of_documents_change_at_once_or_not_at_all)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0};
    struct error err;
    etcd_servers_start(&servers, 1, false);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");

    cr_assert_eq(storage_commit(a.storage, make_many(&a, "{'n': 1}"), &err), 0, "%s", err.message);
    wait_for(&b, "m0000", "{'n': 1}");
    wait_for(&b, "m3899", "{'n': 1}");
    cr_assert_eq(revision(&b, "m0000"), revision(&b, "m3899"));
    autochange struct change_set *late = make_many(&a, "{'n': 2}");
    must_delete(b.storage, "m2000");
    cr_assert_eq(storage_commit(a.storage, TAKE(late), &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "thing 'm2000' was deleted meanwhile");
    wait_for(&a, "m0000", "{'n': 1}");
    fixture_put(b.storage, "thing", "other", "{}"); /* is no conflict, whether it has come here or not */
    cr_assert_eq(storage_commit(a.storage, make_many(&a, "{'n': 3}"), &err), 0, "%s", err.message);
    wait_for(&b, "m2000", "{'n': 3}");
}

static struct change_set *count_widely(struct storage *storage)
{
    struct change_set *set = change_set_new();
    struct error err;

    count_up(storage, NULL, set, &err);
    for (int i = 0; i < 200; i++) {
        autofree char *id = xasprintf("w%d", i);
        change_set_put(set, "thing", id, REVISION_ANY, json_object());
    }
    return set;
}

static void *count_widely_often(void *context)
{
    struct counting *counting = context;
    struct error err;

    for (int i = 0; i < TIMES; i++)
        if (storage_commit(counting->storage, count_widely(counting->storage), &err) == 0)
            counting->done++;
    return NULL;
}

Test(replica, of_writers_of_many_documents_and_of_one_no_change_is_lost)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0};
    pthread_t wide, narrow;
    int counted;
    etcd_servers_start(&servers, 1, false);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");
    fixture_put(a.storage, "thing", "counter", "{'n': 0}");
    wait_for(&b, "counter", "{'n': 0}");

    struct counting many = {.storage = a.storage}, one = {.storage = b.storage};
    cr_assert_eq(pthread_create(&wide, NULL, count_widely_often, &many), 0);
    cr_assert_eq(pthread_create(&narrow, NULL, count_often, &one), 0);
    pthread_join(wide, NULL);
    pthread_join(narrow, NULL);
    free(read_counter(&a, &counted));
    cr_assert(counted == many.done + one.done, "%d of %d and %d", counted, many.done, one.done);
    cr_assert_gt(many.done, 0);
}

Test(replica, without_quorum_reads_work_and_writes_fail)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0};
    struct error err;
    etcd_servers_start(&servers, 3, false);
    node_open(&a, &servers, "a");
    fixture_put(a.storage, "thing", "x", "{}");

    etcd_servers_kill(&servers, 0);
    etcd_servers_kill(&servers, 1);
    cr_assert_eq(fixture_try_put(a.storage, "thing", "y", 0, "{}", &err), -1);
    for (int looks = 0; strcmp(err.message, REPLICA_NO_QUORUM) != 0; looks++) {
        cr_assert_lt(looks, 20, "%s", err.message);
        fixture_try_put(a.storage, "thing", "z", REVISION_ANY, "{}", &err);
    }
    wait_for(&a, "x", "{}");
    node_close(&a);
    node_open(&a, &servers, "a"); /* it was part of the cluster, so it starts without */
    wait_for(&a, "x", "{}");
    etcd_servers_run(&servers, 0);
    etcd_servers_wait(&servers);
    for (int looks = 0; fixture_try_put(a.storage, "thing", "w", REVISION_ANY, "{}", &err) != 0; looks++)
        cr_assert_lt(looks, 50, "%s", err.message);
    wait_for(&a, "w", "{}");
}

Test(replica, a_node_that_was_away_catches_up_even_if_the_changes_are_forgotten)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0};
    struct error err;
    etcd_servers_start(&servers, 1, false);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");
    fixture_put(a.storage, "thing", "stays", "{}");
    fixture_put(a.storage, "thing", "goes", "{}");
    wait_for(&b, "goes", "{}");

    node_close(&b);
    must_delete(a.storage, "goes");
    fixture_put(a.storage, "thing", "comes", "{}");
    node_open(&b, &servers, "b");
    wait_for(&b, "comes", "{}");
    wait_for(&b, "goes", "");

    node_close(&b);
    must_delete(a.storage, "comes");
    fixture_put(a.storage, "thing", "last", "{}");
    cr_assert_eq(etcd_compact(a.etcd, revision(&a, "last"), &err), 0, "%s", err.message);
    node_open(&b, &servers, "b");
    wait_for(&b, "last", "{}");
    wait_for(&b, "comes", "");
    cr_assert_eq(revision(&b, "stays"), revision(&a, "stays"));
}

Test(replica, the_first_database_fills_an_empty_etcd_and_others_join_without_loss)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    autonode struct node a = {0}, b = {0}, other = {0};
    struct error err;
    etcd_servers_start(&servers, 1, false);
    fixture_make(&a.fixture);
    struct storage *alone = fixture_open(a.fixture.path);
    for (int i = 0; i < 250; i++) {
        autofree char *id = xasprintf("t%d", i);
        fixture_put(alone, "thing", id, "{'n': 1}");
    }
    storage_close(alone);
    node_open(&a, &servers, "a");
    node_open(&b, &servers, "b");
    wait_for(&b, "t249", "{'n': 1}");

    fixture_make(&other.fixture);
    alone = fixture_open(other.fixture.path);
    fixture_put(alone, "thing", "mine", "{}");
    fixture_put(alone, "thing", "t1", "{'n': 1}");
    storage_close(alone);
    cr_assert_eq(node_try(&other, &servers, "c", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT,
                         "has 1 documents that the cluster does not have, or has "
                         "otherwise: thing/mine;");
}

Test(replica, another_etcd_is_not_mixed_with_the_first)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers first, second;
    autonode struct node a = {0}, b = {0};
    etcd_servers_start(&first, 1, false);
    etcd_servers_start(&second, 1, false);
    node_open(&a, &first, "a");
    fixture_put(a.storage, "thing", "old", "{}");
    node_close(&a);

    node_open(&b, &second, "b");
    fixture_put(b.storage, "thing", "new", "{}");
    node_open(&a, &second, "a"); /* it was part of a cluster: it has what this one has, nothing else */
    wait_for(&a, "new", "{}");
    wait_for(&a, "old", "");
}
