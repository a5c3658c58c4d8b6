/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is of a virtual machine: its index, statistics, and what its next start changes. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define JOE     "joe@pve"
#define MISSING "Configuration file 'nodes/" NODE "/qemu-server/4711.conf' does not exist"

static void start(void)
{
    START(.host = "workstation");
    vm_create("100", "name", "web", "hostpci0", "01:00.0", "cores", "2", NULL);
}

TestSuite(qemu_pending, .init = start, .timeout = 120);

/* [{key, value}] in the types of the configuration, and the digest as a row of its own. */
DAEMON_TEST(qemu_pending, of_a_stopped_vm_is_its_configuration_with_the_digest)
{
    const json_t *list = get(VM "/pending", NULL);

    cr_assert_str_eq(text_of(row(list, "key", "name"), "value"), "web");
    cr_assert_eq(number_of(row(list, "key", "cores"), "value"), 2, "a number, as in the configuration");
    cr_assert_not(has(row(list, "key", "cores"), "pending"));
    cr_assert_str_eq(text_of(row(list, "key", "digest"), "value"),
                     text_of(get(VM "/config", NULL), "digest"));
}

/* "hostpci on a running VM stays pending" */
DAEMON_TEST(qemu_pending, of_a_running_vm_has_what_it_takes_at_its_next_start)
{
    vm_run(100);
    put(VM "/config", "hostpci0", "01:00.0,pcie=1", "machine", "q35", "name", "shop", "delete", "cores",
        NULL);
    const json_t *list = get(VM "/pending", NULL);
    const json_t *device = row(list, "key", "hostpci0"), *machine = row(list, "key", "machine");
    cr_assert_str_eq(text_of(device, "value"), "01:00.0");
    cr_assert_str_eq(text_of(device, "pending"), "01:00.0,pcie=1");
    cr_assert_not(has(machine, "value"));
    cr_assert_str_eq(text_of(machine, "pending"), "q35");
    cr_assert_eq(number_of(row(list, "key", "cores"), "delete"), 1);
    cr_assert_str_eq(text_of(row(list, "key", "name"), "value"), "shop", "it takes a name at once");
}

DAEMON_TEST(qemu_pending, tells_no_password)
{
    put(VM "/config", "cipassword", "geheim", NULL);
    cr_assert_str_eq(text_of(row(get(VM "/pending", NULL), "key", "cipassword"), "value"), "**********");
}

DAEMON_TEST(qemu_pending, index_lists_what_there_is)
{
    const json_t *list = get(VM, NULL);

    cr_assert(has_row(list, "subdir", "config"));
    cr_assert(has_row(list, "subdir", "pending"));
    cr_assert(has_row(list, "subdir", "rrddata"));
}

/* "/rrddata?timeframe=hour&cf=AVERAGE (an empty list is enough)" */
DAEMON_TEST(qemu_pending, statistics_are_not_kept)
{
    is_json(get(VM "/rrddata", "timeframe", "hour", "cf", "AVERAGE", NULL), "[]");
    wrong_parameter("timeframe", "property is missing and it is not optional", "GET", VM "/rrddata", NULL);
}

/* What Proxmox VE's web interface asks for when a VM is opened, and hostpci has none of. Each answer is the
 * least with which that page shows no error. */
DAEMON_TEST(qemu_pending, has_no_snapshots_firewall_cloud_init_or_replication)
{
    static const char *const empty[] = {"cloudinit", "firewall/rules", "firewall/refs", "firewall/aliases",
                                        "firewall/ipset"};

    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        autofree char *path = xasprintf(VM "/%s", empty[i]), *missing = xasprintf(QEMU "/4711/%s", empty[i]);
        is_json(get(path, NULL), "[]");
        fails(500, MISSING, "GET", missing, NULL);
    }
    is_json(get(VM "/firewall/options", NULL), "{}");
    is_json(get(VM "/feature", "feature", "snapshot", NULL), "{'hasFeature':0,'nodes':[]}");
    is_json(get("/nodes/" NODE "/replication", "guest", "100", NULL), "[]");
    is_json(get("/cluster/log", "max", "50", NULL), "[]");
}

DAEMON_TEST(qemu_pending, the_only_snapshot_is_how_it_is_now)
{
    autofree char *digest = xstrdup(text_of(get(VM "/config", NULL), "digest"));
    const json_t *list = get(VM "/snapshot", NULL), *current = row(list, "name", "current");

    cr_assert_eq(json_array_size(list), 1);
    cr_assert_str_eq(text_of(current, "description"), "You are here!");
    cr_assert_str_eq(text_of(current, "digest"), digest);
    cr_assert_eq(number_of(current, "running"), 0);
    fails(501, "Method 'POST " VM "/snapshot' not implemented", "POST", VM "/snapshot", "snapname", "a",
          NULL);
}

DAEMON_TEST(qemu_pending, of_a_missing_vm_is_an_error)
{
    fails(500, MISSING, "GET", QEMU "/4711/pending", NULL);
    fails(500, MISSING, "GET", QEMU "/4711/rrddata", "timeframe", "hour", NULL);
    wrong_parameter("vmid", "type check ('integer') failed - got 'web'", "GET", QEMU "/web/pending", NULL);
    wrong_parameter("vmid", "value must have a minimum value of 100", "GET", QEMU "/99/pending", NULL);
}

/* A user who may not see the VM is not told whether it exists. */
DAEMON_TEST(qemu_pending, needs_audit)
{
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVETemplateUser", "users", JOE);
    account_enter(JOE);
    get(VM "/pending", NULL);
    get(VM "/rrddata", "timeframe", "hour", NULL);
    fails(403, "Permission check failed (/vms/4711, VM.Audit)", "GET", QEMU "/4711/pending", NULL);
    fails(403, "Permission check failed (/vms/4711, VM.Audit)", "GET", QEMU "/4711/rrddata", NULL);
}
