/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's folder, record and user. */
#include "broker/machine/machine.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/daemon/broker.h"
#include "tests/unit/broker/testbed.h"

#define NOBODY 65534 /* which /etc/passwd has */

static long long uid_of_new(const struct tree *tree, uid_t base, long long vmid)
{
    automachine struct machine machine = {.folder = NULL};
    struct error err;

    cr_assert_eq(machine_make(tree->path, base, vmid, json_object(), &machine, &err), 0, "%s", err.message);
    return json_integer_value(json_object_get(machine.record, "uid"));
}

Test(machine, has_a_user_that_nobody_else_has)
{
    autotree struct tree tree = {0};

    if (geteuid() != 0)
        cr_skip_test("only root gives a machine a user");
    tree_make(&tree);
    cr_expect_eq(uid_of_new(&tree, MACHINE_UID_BASE, 100), MACHINE_UID_BASE);
    cr_expect_eq(uid_of_new(&tree, MACHINE_UID_BASE, 101), MACHINE_UID_BASE + 1);
    cr_expect_eq(uid_of_new(&tree, NOBODY, 102), NOBODY + 1);
}

Test(machine, users_begin_where_no_system_has_its_own)
{
    static const char *const refused[] = {"0", "1000", "65535", "2147483647", "4294967296", "x", "-1"};

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        autofree char *value = xstrdup(refused[i]), *name = xstrdup("--uid-base"),
                      *program = xstrdup("broker");
        char *arguments[] = {program, name, value, NULL};
        cr_expect_neq(broker_main(3, arguments), 0, "%s", refused[i]);
    }
}

/* Its numbers of processes are this test's, by chance. */
static void write_past(const struct testbed *testbed)
{
    unsigned long long start;

    cr_assert(process_start_time(getpid(), &start));
    autofree char *pid =
        xasprintf("{\"pid\": %d, \"start\": %llu, \"supervisor\": %d, \"supervisor-start\": %llu}",
                  (int)getpid(), start, (int)getpid(), start);
    tree_write(&testbed->tree, "run/vm/100/pid", pid);
    tree_write(&testbed->tree, "run/vm/100/machine",
               "{\"vmid\": 100, \"boot\": \"another\", \"functions\": []}");
}

Test(machine, of_an_earlier_boot_has_no_processes_and_goes)
{
    autotestbed struct testbed testbed;
    automachine struct machine machine = {.folder = NULL};
    struct error err;

    testbed_make_host(&testbed);
    write_past(&testbed);
    autofree char *run = xasprintf("%s/run", testbed.tree.path), *folder = machine_path(run, 100, NULL);
    cr_assert_eq(machine_find(run, 100, &machine, &err), 0, "%s", err.message);
    cr_expect(machine.past);
    cr_expect_eq(machine.qemu.pid, 0);
    cr_expect_eq(machine.supervisor.pid, 0);
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "vm_stop", "{'vmid': 100, 'how': 'quit', 'timeout': 0}", "{}");
    testbed_wait_until_idle(&testbed);
    cr_expect_neq(access(folder, F_OK), 0);
}
