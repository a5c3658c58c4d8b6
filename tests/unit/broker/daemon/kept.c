/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for `persistent`: it is applied at each start of the broker. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "storage/sqlite.h"
#include "tests/unit/broker/client.h"

#define LOOKS     6000
#define LOOK_US   10000
#define KEEP_DISK "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}"

Test(kept, is_applied_at_each_start)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    expect_log(&testbed, "persistent");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    free(client_follow(&testbed, "boot:" DISK, NULL));
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    free(client_follow(&testbed, "boot:" DISK, NULL));
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto', 'persistent': 0}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "nvme", "");
}

Test(kept, is_for_the_device_that_it_was_made_for)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    testbed_stop_broker(&testbed, SIGTERM);
    tree_write(&testbed.tree, "sys/bus/pci/devices/" DISK "/device", "0xa80a\n");
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "nvme", "");
    autojson json_t *result = NULL;
    struct error err;
    cr_assert_eq(broker_follow(testbed.client, "boot:" DISK, 0, NULL, NULL, &result, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
}

/* First the functions are brought back that the last broker left half-way. */
Test(kept, waits_for_what_is_brought_back)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", "{'id': '" DISK "', 'driver': 'auto'}");
    client_wait_for_hang();
    testbed_stop_broker(&testbed, SIGKILL);
    testbed_start_broker(&testbed);
    client_let_go(&testbed);
    client_expect(&testbed, client, "interrupted; " DISK " is back with vfio-pci");
    testbed_wait_until_idle(&testbed);
    free(client_follow(&testbed, "boot:" DISK, NULL));
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}

/* What is kept of several kinds for one function comes one after the other: the next operation waits for the
 * end of the last, which has claimed nothing yet when it has just begun. */
Test(kept, of_several_kinds_is_all_applied_to_one_function)
{
    static const char uuid[] = "11111111-2222-3333-4444-555555555555";
    static const char file[] = "etc/mdevctl.d/" SCREEN "/11111111-2222-3333-4444-555555555555";

    for (unsigned round = 0; round < 5; round++) {
        autotestbed struct testbed testbed;
        testbed_make(&testbed);
        kernel_add_mdev_type(SCREEN, "nvidia-63", 2);
        testbed_do(&testbed, "driver", "{'id': '" SCREEN "', 'driver': 'nouveau', 'persistent': 1}",
                   "{'functions': [{'id': '" SCREEN "', 'before': 'nouveau', 'driver': 'nouveau'}]}");
        testbed_stop_broker(&testbed, SIGTERM);
        tree_write(&testbed.tree, file, "{\"mdev_type\": \"nvidia-63\", \"start\": \"auto\"}");
        kernel_put(SCREEN, "nouveau", "");
        testbed_start_broker(&testbed);
        testbed_wait_until_idle(&testbed);
        expect_binding(SCREEN, "nouveau", "nouveau");
        cr_expect_str_eq(kernel_mdev(uuid), "nvidia-63", "round %u", round);
        expect_nothing_open(&testbed);
    }
}

/* Nobody is told that something is kept which the journal, whose disk is full, did not take. */
Test(kept, is_not_promised_when_the_journal_does_not_take_it)
{
    autotestbed struct testbed testbed;
    autosqlite sqlite3 *db = NULL;
    struct error err;

    testbed_make(&testbed);
    testbed_stop_broker(&testbed, SIGTERM);
    autofree char *path = xasprintf("%s/broker/journal.db", testbed.tree.path);
    cr_assert_eq(sqlite_open(path, SQLITE_OPEN_READWRITE, &db, &err), 0, "%s", err.message);
    cr_assert_eq(sqlite_execute(db,
                                "CREATE TRIGGER full BEFORE INSERT ON fact WHEN NEW.kind = 'choice' "
                                "BEGIN SELECT RAISE(FAIL, 'no room'); END",
                                &err),
                 0, "%s", err.message);
    sqlite3_close(TAKE(db));
    testbed_start_broker(&testbed);
    testbed_fail(&testbed, "driver", KEEP_DISK, "it is done, but the broker's journal did not take");
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}

static void move(const struct testbed *testbed, const char *from, const char *to)
{
    autofree char *old = xasprintf("%s/%s", testbed->tree.path, from);
    autofree char *new = xasprintf("%s/%s", testbed->tree.path, to);

    cr_assert_eq(rename(old, new), 0);
}

/* A virtual function comes after its physical function got a count, which is an operation as well. */
Test(kept, waits_until_the_function_comes)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    testbed_stop_broker(&testbed, SIGTERM);
    move(&testbed, "sys/bus/pci/devices/" DISK, "sys/away");
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    move(&testbed, "sys/away", "sys/bus/pci/devices/" DISK);
    expect_binding(DISK, "nvme", "");
    testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'e1000e'}]}");
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "vfio-pci", "vfio-pci");
}

static void expect_kept(struct testbed *testbed, const char *list)
{
    autojson json_t *state = testbed_ask(testbed, "state", "{'id': '" NETWORK "'}");

    expect_json(json_object_get(state, "kept"), list);
}

/* Until what is kept for the function is in this state: the broker looks at it only after the operation that
 * changed the driver has ended. Returns the reason, which the caller frees. */
static char *wait_for_kept(struct testbed *testbed, const char *wanted)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        autojson json_t *state = testbed_ask(testbed, "state", "{'id': '" NETWORK "'}");
        const json_t *row = json_array_get(json_object_get(state, "kept"), 0);

        if (strcmp(json_text(row, "state"), wanted) == 0)
            return xstrdup(json_text(row, "reason"));
        usleep(LOOK_US);
    }
    cr_assert_fail("what is kept does not come to the state '%s'", wanted);
    return NULL;
}

/* Only a driver makes virtual functions: what is kept waits for one that does, and says so. */
Test(kept, waits_for_a_driver_that_makes_virtual_functions)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_add_sriov(
        NETWORK, &(struct kernel_sriov){
                     .total = 7, .offset = 128, .stride = 2, .device = 0x10ca, .group = 40, .driver = ""});
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "', 'numvfs': 2, 'persistent': 1}",
               "{'before': 0, 'numvfs': 2}");
    expect_kept(&testbed, "[]");
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "', 'numvfs': 0}", "{'before': 2, 'numvfs': 0}");
    testbed_stop_broker(&testbed, SIGTERM);
    kernel_put(NETWORK, "", "");
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    static const char list[] =
        "[{'function': '" NETWORK "', 'operation': 'sriov', 'state': 'driver', 'reason': 'only a "
        "driver makes virtual functions, and none is bound: choose driver=auto for it first'}]";
    expect_kept(&testbed, list);
    autojson json_t *all = testbed_ask(&testbed, "kept", "{}");
    expect_json(json_object_get(all, "kept"), list);
    testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" NETWORK "', 'before': '', 'driver': 'vfio-pci'}]}");
    autofree char *reason = wait_for_kept(&testbed, "other");
    cr_expect_not_null(strstr(reason, "enable_sriov=1"), "%s", reason);
    cr_expect_eq(kernel_vfs(NETWORK), 0);
    testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" NETWORK "', 'before': 'vfio-pci', 'driver': 'e1000e'}]}");
    for (unsigned i = 0; kernel_vfs(NETWORK) != 2; i++) {
        cr_assert_lt(i, LOOKS, "the virtual functions do not come back");
        usleep(LOOK_US);
    }
    testbed_wait_until_idle(&testbed);
    expect_kept(&testbed, "[]");
}

Test(kept, for_a_device_that_is_not_there_is_told)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_stop_broker(&testbed, SIGTERM);
    move(&testbed, "sys/bus/pci/devices/" DISK, "sys/away");
    testbed_start_broker(&testbed);
    autojson json_t *state = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_json(json_object_get(state, "kept"), "[{'function': '" DISK "', 'operation': 'driver', 'state': "
                                                "'absent', 'reason': 'there is no such device now'}]");
    expect_kept(&testbed, "[]");
}

/* The journal keeps what was left half-way, under its id; what is kept gets another one. */
Test(kept, is_applied_again_although_it_was_left_half_way)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", KEEP_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
               "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    testbed_stop_broker(&testbed, SIGTERM);
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = "drivers_probe", .first = 1, .last = 1000000, .error = EIO});
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    client_follow_to_error(&testbed, "boot:" DISK, "is left half-way",
                           DISK " is left half-way: give it a driver again");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    free(client_follow(&testbed, "boot:" DISK ":2", "cannot write"));
    testbed_stop_broker(&testbed, SIGTERM);
    kernel_set_fault(NULL);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}
