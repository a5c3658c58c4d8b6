/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key of tickets that all nodes share, through a real etcd. */
#include "cluster/key.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/etcd.h"
#include "tests/unit/storage/fixture.h"

struct node {
    struct fixture fixture;
    struct shared_key key;
};

static void write_key(const struct node *node, const char *content)
{
    struct error err;

    cr_assert_eq(file_replace(node->key.path, content, strlen(content), 0600, &err), 0, "%s", err.message);
}

static void sync_key(struct node *node)
{
    struct error err;

    cr_assert_eq(shared_key_sync(&node->key, &err), 0, "%s", err.message);
}

static void expect_key(struct node *node, const char *content)
{
    autofree char *found = NULL;
    struct error err;

    sync_key(node);
    cr_assert_eq(file_read(node->key.path, 100, &found, NULL, &err), 0, "%s", err.message);
    cr_expect_str_eq(found, content);
}

static void begin(struct node *node, const struct etcd_servers *servers, const char *content)
{
    struct error err;

    fixture_make(&node->fixture);
    cr_assert_eq(etcd_open(&(struct etcd_options){.endpoints = servers->endpoints}, &node->key.etcd, &err),
                 0);
    node->key.path = xasprintf("%s/auth.key", node->fixture.folder);
    write_key(node, content);
}

/* What a daemon does not know any more when it starts again. */
static void restart(struct node *node)
{
    node->key.revision = 0;
}

static void end(struct node *node)
{
    shared_key_release(&node->key);
    etcd_close(node->key.etcd);
    fixture_remove(&node->fixture);
}

Test(cluster_key, of_who_joins_is_the_clusters_and_of_who_rotates_is_everybodys)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    struct node first = {0}, second = {0};
    etcd_servers_start(&servers, 1, false);
    begin(&first, &servers, "one");
    begin(&second, &servers, "two");

    expect_key(&first, "one");
    expect_key(&second, "one");
    write_key(&second, "three"); /* while its daemon runs */
    expect_key(&second, "three");
    expect_key(&first, "three");
    restart(&first);
    write_key(&first, "four"); /* while its daemon was stopped */
    expect_key(&first, "four");
    expect_key(&second, "four");
    restart(&second);
    write_key(&first, "five"); /* the other one has not changed its key */
    expect_key(&first, "five");
    expect_key(&second, "five");
    end(&first);
    end(&second);
}
