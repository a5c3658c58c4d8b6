/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three daemons that share their configuration through etcd. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/etcd/etcd.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/etcd.h"

#define SECONDS   60
#define NO_QUORUM "cluster not ready - no quorum?"
#define MAPPING   "/cluster/mapping/pci/gpu"
#define MAP       "node=pve1,path=0000:01:00.0,id=10de:2484,subsystem-id=10de:146b,iommugroup=1"

static void start(const struct etcd_servers *servers, unsigned number)
{
    const char *const arguments[] = {"--etcd", servers->endpoints, NULL};

    daemon_choose(number);
    START(.host = "workstation", .arguments = arguments);
}

static void start_all(const struct etcd_servers *servers)
{
    for (unsigned i = 0; i < 3; i++)
        start(servers, i);
}

/* Until the mapping's description is this (NULL: it does not exist) on that node. */
static void wait_for(unsigned number, const char *description)
{
    double end = machine_slept() + SECONDS;

    daemon_choose(number);
    for (;;) {
        const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = MAPPING);
        const char *found = json_string_value(json_object_get(reply->data, "description"));
        if (description == NULL ? reply->status == 500 : found != NULL && strcmp(found, description) == 0)
            return;
        cr_assert_lt(machine_slept(), end, "node %u does not have '%s' but %s", number, description,
                     reply->body);
        machine_sleep(20);
    }
}

static void create_mapping(void)
{
    post("/cluster/mapping/pci", "id", "gpu", "description", "first", "map", MAP, NULL);
}

static void describe(const char *description)
{
    put(MAPPING, "map", MAP, "description", description, NULL);
}

DAEMON_TEST(cluster, what_is_written_on_one_node_is_read_on_all)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 3, false);
    start_all(&servers);

    daemon_choose(1);
    create_mapping();
    get(MAPPING, NULL); /* at once, by who wrote it */
    wait_for(0, "first");
    wait_for(2, "first");
    describe("second");
    wait_for(1, "second");
    daemon_choose(0);
    fails(500, "create hardware mapping failed: pci ID 'gpu' already defined", "POST", "/cluster/mapping/pci",
          "id", "gpu", "map", MAP, NULL);
    delete (MAPPING, NULL);
    wait_for(1, NULL);
    wait_for(2, NULL);
    daemon_finish();
}

DAEMON_TEST(cluster, a_token_of_one_node_is_good_on_all)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_all(&servers);

    daemon_choose(0);
    const json_t *made = post("/access/users/root@pam/token/t1", "privsep", "0", NULL);
    autofree char *token = xasprintf("root@pam!t1=%s", json_string_value(json_object_get(made, "value")));
    create_mapping();
    wait_for(2, "first"); /* so the token has come, too */
    call_with_token(token);
    get(MAPPING, NULL);
    daemon_finish();
}

DAEMON_TEST(cluster, one_virtual_machine_has_an_id)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_all(&servers);

    daemon_choose(0);
    post("/nodes/pve1/qemu", "vmid", "100", NULL);
    double end = machine_slept() + SECONDS;
    while (json_array_size(get("/nodes/pve1/qemu", NULL)) == 0) {
        cr_assert_lt(machine_slept(), end, "the VM was not made");
        machine_sleep(20);
    }
    create_mapping();
    wait_for(1, "first");
    fails(500, "unable to create VM 100 - VM 100 already exists on node 'pve1'", "POST", "/nodes/pve2/qemu",
          "vmid", "100", NULL);
    cr_assert_eq(json_array_size(get("/nodes/pve2/qemu", NULL)), 0);
    daemon_finish();
}

DAEMON_TEST(cluster, a_node_that_was_killed_catches_up)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_all(&servers);

    daemon_choose(2);
    create_mapping();
    wait_for(0, "first");
    daemon_choose(2);
    daemon_kill();
    daemon_choose(0);
    describe("second");
    daemon_choose(2);
    daemon_start_again();
    wait_for(2, "second");
    describe("third");
    wait_for(0, "third");
    daemon_finish();
}

DAEMON_TEST(cluster, without_quorum_reads_work_and_writes_fail)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 3, false);
    start_all(&servers);

    daemon_choose(0);
    create_mapping();
    post("/access/groups", "groupid", "g", NULL);
    etcd_servers_kill(&servers, 0);
    etcd_servers_wait(&servers);
    describe("second"); /* two of three are enough */
    etcd_servers_kill(&servers, 1);
    double end = machine_slept() + SECONDS;
    for (const struct reply *reply = NULL; reply == NULL || strcmp(reply->phrase, NO_QUORUM) != 0;) {
        reply = CALL_UNCHECKED(.method = "PUT", .path = "/access/groups/g", .body = "comment=third",
                               .content_type = "application/x-www-form-urlencoded");
        cr_assert_lt(machine_slept(), end, "%s", reply->phrase);
        machine_sleep(20);
    }
    fails(500, "update hardware mapping failed: " NO_QUORUM, "PUT", MAPPING, "map", MAP, "description",
          "third", NULL);
    get(MAPPING, NULL);
    get("/nodes/pve1/qemu", NULL);
    etcd_servers_run(&servers, 1);
    etcd_servers_wait(&servers);
    describe("fourth");
    wait_for(1, "fourth");
    wait_for(2, "fourth");
    daemon_finish();
}

DAEMON_TEST(cluster, what_a_node_had_before_is_never_lost)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, true);
    const char *const arguments[] = {"--etcd",      servers.endpoints,   "--etcd-ca",  servers.certificate,
                                     "--etcd-cert", servers.certificate, "--etcd-key", servers.key,
                                     NULL};

    daemon_choose(0);
    START(.host = "workstation");
    create_mapping();
    daemon_stop();
    daemon_start_with(arguments);
    daemon_choose(1);
    START(.host = "workstation", .arguments = arguments);
    wait_for(1, "first");
    daemon_choose(2);
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "nic", "map",
         "node=pve3,path=0000:01:00.0,id=10de:2484,subsystem-id=10de:146b,iommugroup=1", NULL);
    daemon_stop();
    daemon_refuses(arguments, "this node has 1 documents that the cluster does not have, or has otherwise: "
                              "mapping-pci/nic");
    daemon_finish();
}

/* "pve1=1 pve2=0": who is listed, and who is online. */
static char *print_nodes(const json_t *list)
{
    autotext struct text text = {0};
    size_t i;
    json_t *row;

    json_array_foreach(list, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const json_t *online = json_object_get(row, "online");
        if (name != NULL && online != NULL)
            text_printf(&text, "%s%s=%lld", i > 1 ? " " : "", name, json_integer_value(online));
    }
    return text_take(&text);
}

static void wait_for_nodes(unsigned number, const char *wanted)
{
    double end = machine_slept() + SECONDS;

    daemon_choose(number);
    for (;;) {
        autofree char *found = print_nodes(get("/cluster/status", NULL));
        if (strcmp(found, wanted) == 0)
            return;
        cr_assert_lt(machine_slept(), end, "'%s' did not become '%s'", found, wanted);
        machine_sleep(50);
    }
}

DAEMON_TEST(cluster, each_node_lists_all_and_who_is_online)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_all(&servers);

    for (unsigned i = 0; i < 3; i++)
        wait_for_nodes(i, "pve1=1 pve2=1 pve3=1");
    daemon_choose(1);
    const json_t *cluster = json_array_get(get("/cluster/status", NULL), 0);
    cr_assert_str_eq(json_string_value(json_object_get(cluster, "type")), "cluster");
    cr_assert_eq(json_integer_value(json_object_get(cluster, "nodes")), 3);
    cr_assert_eq(json_integer_value(json_object_get(cluster, "quorate")), 1);
    const json_t *third = json_array_get(get("/nodes", NULL), 2);
    cr_assert_str_eq(json_string_value(json_object_get(third, "node")), "pve3");
    cr_assert_gt(json_integer_value(json_object_get(third, "maxmem")), 0);
    cr_assert_not_null(json_object_get(third, "ssl_fingerprint"));
    cr_assert_eq(json_array_size(get("/cluster/resources", "type", "node", NULL)), 3);

    daemon_choose(2);
    daemon_kill();
    wait_for_nodes(0, "pve1=1 pve2=1 pve3=0");
    const json_t *dead = json_array_get(get("/nodes", NULL), 2);
    cr_assert_str_eq(json_string_value(json_object_get(dead, "status")), "offline");
    cr_assert_null(json_object_get(dead, "maxmem"));
    daemon_choose(2);
    daemon_start_again(); /* under its name, while its lease may still be there */
    wait_for_nodes(0, "pve1=1 pve2=1 pve3=1");
    daemon_choose(1);
    daemon_stop(); /* and says so, so that nobody has to wait for the end of its lease */
    wait_for_nodes(2, "pve1=1 pve2=0 pve3=1");
    etcd_servers_kill(&servers, 0);
    wait_for_nodes(2, "pve1=0 pve2=0 pve3=1"); /* nothing is known of them */
    daemon_finish();
}

DAEMON_TEST(cluster, a_name_is_one_node_s)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    static const char *const name[] = {"--node", "pve1", NULL};

    start(&servers, 0);
    start(&servers, 1);
    daemon_choose(1);
    daemon_stop();
    daemon_refuses(name, "another daemon is the node 'pve1' of this cluster, at http://127.0.0.1:");
    daemon_finish();
}

/* With TLS, since nodes call each other by it. */
static void start_with_tls(const struct etcd_servers *servers, unsigned number)
{
    const char *const arguments[] = {"--etcd", servers->endpoints, NULL};

    daemon_choose(number);
    START(.host = "workstation", .listen = "https://127.0.0.1:0", .arguments = arguments,
          .own_key = number == 1);
}

static void start_two_with_tls(const struct etcd_servers *servers)
{
    start_with_tls(servers, 0);
    start_with_tls(servers, 1);
    wait_for_nodes(0, "pve1=1 pve2=1");
    wait_for_nodes(1, "pve1=1 pve2=1");
}

DAEMON_TEST(cluster, a_node_answers_for_another)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_two_with_tls(&servers);

    daemon_choose(0);
    const json_t *version = get("/nodes/pve2/version", NULL);
    cr_assert_not_null(json_object_get(version, "release"));
    cr_assert_gt(json_array_size(get("/nodes/pve2/hardware/pci", NULL)), 0);
    post("/nodes/pve2/qemu", "vmid", "100", "description", "a+b&c", NULL);
    double end = machine_slept() + SECONDS;
    while (json_array_size(get("/nodes/pve2/qemu", NULL)) == 0) {
        cr_assert_lt(machine_slept(), end, "the VM was not made");
        machine_sleep(20);
    }
    fails(500, "Configuration file 'nodes/pve2/qemu-server/101.conf' does not exist", "GET",
          "/nodes/pve2/qemu/101/config", NULL);
    cr_assert_str_eq(
        json_string_value(json_object_get(get("/nodes/pve2/qemu/100/config", NULL), "description")), "a+b&c");
    put("/nodes/pve2/qemu/100/config", "memory", "1024", NULL);
    cr_assert_str_eq(json_string_value(json_object_get(get("/nodes/pve2/qemu/100/config", NULL), "memory")),
                     "1024");
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is 'pve1'", "GET",
          "/nodes/pve9/status", NULL);
    daemon_finish();
}

DAEMON_TEST(cluster, a_request_is_forwarded_with_its_callers_credential)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_two_with_tls(&servers);

    daemon_choose(0);
    post("/access/users", "userid", "joe@pve", "password", "secret-88", NULL);
    put("/access/acl", "path", "/nodes/pve2", "roles", "PVEAuditor", "users", "joe@pve", NULL);
    const json_t *login = post("/access/ticket", "username", "joe@pve", "password", "secret-88", NULL);
    call_with_ticket(json_string_value(json_object_get(login, "ticket")),
                     json_string_value(json_object_get(login, "CSRFPreventionToken")));
    get("/nodes/pve2/status", NULL);
    fails(403, "Permission check failed (/nodes/pve1, Sys.Audit)", "GET", "/nodes/pve1/status", NULL);
    daemon_choose(1); /* the ticket of one node is good on the other, whose key was its own before */
    get("/nodes/pve2/status", NULL);
    call_with_token("joe@pve!none=00000000-0000-0000-0000-000000000000");
    const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = "/nodes/pve1/status");
    cr_assert_eq(reply->status, 401);
    daemon_finish();
}

DAEMON_TEST(cluster, a_node_that_cannot_be_reached_is_told_as_595)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_two_with_tls(&servers);

    daemon_choose(1);
    daemon_kill();
    daemon_choose(0);
    cr_assert_eq(CALL_UNCHECKED(.method = "GET", .path = "/nodes/pve2/version")->status, 595);
    wait_for_nodes(0, "pve1=1 pve2=0");
    const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = "/nodes/pve2/version");
    cr_assert(reply->status == 595 && strcmp(reply->phrase, "the node 'pve2' is offline") == 0, "%u %s",
              reply->status, reply->phrase);
    get("/nodes/pve1/version", NULL);
    daemon_finish();
}

DAEMON_TEST(cluster, a_forwarded_request_is_not_forwarded_again)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_two_with_tls(&servers);

    daemon_choose(0);
    const struct reply *reply =
        CALL_UNCHECKED(.method = "GET", .path = "/nodes/pve2/version", .header = "PVEDisableProxy: true");
    cr_assert(reply->status == 500 && strcmp(reply->phrase, "proxy loop detected") == 0, "%u %s",
              reply->status, reply->phrase);
    daemon_finish();
}

/* Somebody else at the address of pve2, as far as pve1 knows. */
static void replace_pin(const struct etcd_servers *servers)
{
    static const char key[] = "/hostpci/node/pve2/about";
    const struct etcd_options options = {.endpoints = servers->endpoints};
    autotxn struct etcd_txn *txn = etcd_txn_new();
    autoitems struct etcd_items items = {0};
    struct etcd *etcd;
    struct error err;
    bool done;

    cr_assert_eq(etcd_open(&options, &etcd, &err), 0, "%s", err.message);
    cr_assert_eq(etcd_read(etcd, key, NULL, 1, 0, &items, &err), 0, "%s", err.message);
    cr_assert_eq(items.count, 1);
    autojson json_t *about = json_loads(items.items[0].value, 0, NULL);
    json_object_set_new(about, "pin", json_string("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    autofree char *text = json_dumps(about, 0);
    etcd_txn_put(txn, ETCD_THEN, key, text, 0);
    cr_assert_eq(etcd_txn_run(etcd, txn, &done, NULL, &err), 0, "%s", err.message);
    etcd_close(etcd);
}

DAEMON_TEST(cluster, a_node_with_another_key_gets_nothing)
{
    ETCD_OR_SKIP();
    autoetcd struct etcd_servers servers;
    etcd_servers_start(&servers, 1, false);
    start_two_with_tls(&servers);

    replace_pin(&servers);
    daemon_choose(0);
    double end = machine_slept() + SECONDS;
    while (CALL_UNCHECKED(.method = "GET", .path = "/nodes/pve2/version")->status != 596) {
        cr_assert_lt(machine_slept(), end, "it is still called");
        machine_sleep(50);
    }
    daemon_finish();
}
