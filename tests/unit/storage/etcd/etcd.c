/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of etcd, against a real one. */
#include "storage/etcd/etcd.h"
#include "storage/etcd/internal.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/etcd.h"

static void cleanup_client(struct etcd **etcd)
{
    etcd_close(*etcd);
}
#define autoclient __attribute__((cleanup(cleanup_client)))

static struct etcd *client_of(const char *endpoints)
{
    struct etcd *etcd;
    struct error err;

    cr_assert_eq(etcd_open(&(struct etcd_options){.endpoints = endpoints}, &etcd, &err), 0, "%s",
                 err.message);
    return etcd;
}

/* Puts the key if it has that revision. The revision that it got; 0: it had another one. */
static int64_t put(struct etcd *etcd, const char *key, int64_t expected, const char *value)
{
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    struct error err;
    bool done;

    etcd_txn_expect(txn, key, expected);
    etcd_txn_put(txn, ETCD_THEN, key, value, 0);
    cr_assert_eq(etcd_txn_run(etcd, txn, &done, &items, &err), 0, "%s", err.message);
    return done ? items.state.revision : 0;
}

Test(etcd, endpoints_that_are_none_are_refused)
{
    struct etcd *etcd;
    struct error err;

    cr_assert_eq(etcd_open(&(struct etcd_options){.endpoints = "http://127.0.0.1:1,ftp://b"}, &etcd, &err),
                 -1);
    cr_assert_not_null(strstr(err.message, "not 'ftp://b'"), "%s", err.message);
    cr_assert_eq(
        etcd_open(&(struct etcd_options){.endpoints = "http://localhost:1", .key = "f"}, &etcd, &err), -1);
    cr_assert_not_null(strstr(err.message, "--etcd-cert and --etcd-key"), "%s", err.message);
}

Test(etcd, an_endpoint_that_others_reach_needs_a_certificate)
{
    static const char *const open_ones[] = {"http://10.0.0.1:2379", "https://10.0.0.1:2379",
                                            "http://127.0.0.1.example.org:2379"};
    struct error err;
    struct etcd *etcd;

    for (size_t i = 0; i < COUNT_OF(open_ones); i++) {
        cr_assert_eq(etcd_open(&(struct etcd_options){.endpoints = open_ones[i]}, &etcd, &err), -1, "%s",
                     open_ones[i]);
        cr_assert_not_null(strstr(err.message, "which others reach, too"), "%s", err.message);
    }
}

Test(etcd, an_endpoint_that_nobody_listens_on_did_nothing)
{
    autoclient struct etcd *etcd = client_of("http://127.0.0.1:1");
    autotxn struct etcd_txn *txn = etcd_txn_new();
    struct error err;
    bool done;

    etcd_txn_put(txn, ETCD_THEN, "a", "b", 0);
    cr_assert_eq(etcd_txn_run(etcd, txn, &done, NULL, &err), -1);
    cr_assert_eq(err.reason, ETCD_NOT_DONE);
    cr_assert_not_null(strstr(err.message, "etcd at 'http://127.0.0.1:1' does not answer"), "%s",
                       err.message);
}

Test(etcd, a_transaction_is_carried_out_if_the_keys_are_as_expected)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);

    int64_t first = put(etcd, "/t/k", 0, "{\"a\":\"\xc3\xa9\"}");
    cr_assert_gt(first, 0);
    cr_assert_eq(put(etcd, "/t/k", 0, "no"), 0);
    cr_assert_gt(put(etcd, "/t/k", first, ""), first);
}

Test(etcd, keys_are_read_in_pages_of_one_moment)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    autoitems struct etcd_items page = {0}, rest = {0};
    struct error err;

    for (char name[] = "/t/a"; name[3] <= 'e'; name[3]++)
        put(etcd, name, 0, name);
    cr_assert_eq(etcd_read(etcd, "/t/", "/t0", 3, 0, &page, &err), 0, "%s", err.message);
    cr_assert(page.count == 3 && page.more);
    cr_assert_str_eq(page.items[2].value, "/t/c");
    put(etcd, "/t/dd", 0, "later");
    cr_assert_eq(etcd_read(etcd, "/t/c0", "/t0", 3, page.state.revision, &rest, &err), 0, "%s", err.message);
    cr_assert(rest.count == 2 && !rest.more);
    cr_assert_str_eq(rest.items[1].key, "/t/e");
    cr_assert_str_eq(rest.state.cluster, page.state.cluster);
}

struct seen {
    char text[256];
    unsigned messages;
};

static bool until_three(void *context)
{
    return ((struct seen *)context)->messages < 3;
}

static int note(void *context, const struct etcd_items *changes, struct error *err)
{
    struct seen *seen = context;
    size_t length = strlen(seen->text);

    seen->messages++;
    for (size_t i = 0; i < changes->count; i++) {
        const struct etcd_item *item = &changes->items[i];
        snprintf(seen->text + length, sizeof(seen->text) - length, "%s=%s;", item->key,
                 item->value != NULL ? item->value : "(none)");
        length = strlen(seen->text);
    }
    return strstr(seen->text, "(none)") != NULL ? error_set(err, ERROR_FAILED, "enough") : 0;
}

Test(etcd, a_watch_tells_changes_from_a_revision_on)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    autotxn struct etcd_txn *txn = etcd_txn_new();
    struct seen seen = {.messages = 0};
    struct error err;
    bool done;

    put(etcd, "/t/before", 0, "x");
    int64_t first = put(etcd, "/t/a", 0, "1");
    put(etcd, "/other", 0, "x");
    etcd_txn_delete(txn, ETCD_THEN, "/t/a", NULL);
    cr_assert_eq(etcd_txn_run(etcd, txn, &done, NULL, &err), 0, "%s", err.message);
    const struct etcd_watch watch = {"/t/", first, until_three, note, &seen};
    cr_assert_eq(etcd_watch(etcd, &watch, &err), -1);
    cr_assert_str_eq(err.message, "enough");
    cr_assert_str_eq(seen.text, "/t/a=1;/t/a=(none);");
}

Test(etcd, what_was_compacted_is_told)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    struct seen seen = {.messages = 0};
    struct error err;

    int64_t first = put(etcd, "/t/a", 0, "1"), second = put(etcd, "/t/a", first, "2");
    cr_assert_eq(etcd_compact(etcd, second, &err), 0, "%s", err.message);
    const struct etcd_watch watch = {"/t/", first, until_three, note, &seen};
    cr_assert_eq(etcd_watch(etcd, &watch, &err), -1);
    cr_assert_eq(err.reason, ETCD_COMPACTED, "%s", err.message);
}

Test(etcd, a_lease_can_be_renewed_until_it_ends)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    struct error err;
    int64_t lease;

    cr_assert_eq(etcd_lease_grant(etcd, 60, &lease, &err), 0, "%s", err.message);
    cr_assert_eq(etcd_lease_renew(etcd, lease, &err), 0, "%s", err.message);
    cr_assert_eq(etcd_lease_renew(etcd, lease + 1, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND, "%s", err.message);
}

Test(etcd, another_member_is_asked_and_without_quorum_nothing_is_done)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 3, false);
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    autotxn struct etcd_txn *txn = etcd_txn_new();
    struct error err;
    bool done;

    etcd_servers_kill(&servers, 0);
    etcd_servers_wait(&servers);
    cr_assert_gt(put(etcd, "/t/a", 0, "1"), 0);
    etcd_servers_kill(&servers, 1);
    etcd_txn_put(txn, ETCD_THEN, "/t/a", "2", 0);
    for (int looks = 0; etcd_txn_run(etcd, txn, &done, NULL, &err) == 0 || err.reason != ETCD_NOT_DONE;
         looks++)
        cr_assert_lt(looks, 50, "the member without a leader went on: %s", err.message);
}

/* Debian 12 has etcd 3.4, and Debian 13 etcd 3.5, whose gateway has another word for the text. */
Test(etcd, a_refusal_is_understood_of_each_version)
{
    static const char *const replies[] = {
        "{\"error\": \"etcdserver: no leader\", \"message\": \"etcdserver: no leader\", \"code\": 14}",
        "{\"code\": 14, \"message\": \"etcdserver: no leader\"}"};

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        autojson json_t *reply = json_loads(replies[i], 0, NULL);
        struct error err;
        cr_assert_eq(etcd_refused("http://here", reply, &err), -1);
        cr_assert_eq(err.reason, ETCD_NOT_DONE, "%s", err.message);
    }
}

Test(etcd, certificates_of_clients_are_used)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, true); /* it waits with the certificate until that is accepted */
    autoclient struct etcd *etcd = client_of(servers.endpoints);
    autoitems struct etcd_items items = {0};
    struct error err;

    cr_assert_eq(etcd_read(etcd, "a", NULL, 1, 0, &items, &err), -1,
                 "a client without certificate is answered");
    cr_assert_eq(err.reason, ETCD_NOT_DONE, "%s", err.message);
}
