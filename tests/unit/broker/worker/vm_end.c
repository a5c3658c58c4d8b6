/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM that has ended had, and what of it could not be given back: nothing of that may be lost. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/machine/machine.h"
#include "broker/machine/supervisor.h"
#include "broker/program.h"
#include "tests/unit/broker/testbed.h"

#define STOP "{'vmid': 100, 'how': 'ended', 'timeout': 0}"
#define USER 1900000000
#define MOST 6000 /* looks of 10 ms */
#define RECORD                                                                                               \
    "{\"vmid\": 100, \"functions\": [{\"id\": \"" DISK                                                       \
    "\", \"vendor\": 5197, \"device\": 43016, \"driver\": \"nvme\", \"override\": \"\", \"wanted\": "        \
    "\"vfio-pci\", \"wanted-override\": \"vfio-pci\", \"reattach\": 1}]}"

static void make(struct testbed *testbed)
{
    testbed_make_host(testbed);
    program_root = testbed->tree.path;
    testbed_start_broker(testbed);
}

/* A VM that has ended, with its disk still at vfio-pci. */
static void write_machine(struct testbed *testbed)
{
    testbed_do(testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio'}",
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    testbed_wait_until_idle(testbed);
    tree_write(&testbed->tree, "run/vm/100/machine", RECORD);
}

/* "" if there is no such VM any more. */
static char *read_left(struct testbed *testbed)
{
    autojson json_t *all = testbed_ask(testbed, "vms", "{}");

    return xstrdup(json_text(json_object_get(json_object_get(all, "vms"), "100"), "left"));
}

static void wait_until_gone(const struct testbed *testbed)
{
    autofree char *folder = xasprintf("%s/run/vm/100", testbed->tree.path);

    for (unsigned i = 0; access(folder, F_OK) == 0; i++) {
        cr_assert_lt(i, MOST, "'%s' is left", folder);
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void set_fault(unsigned last)
{
    kernel_set_fault(&(const struct kernel_fault){
        .access = SYSFS_WRITE, .path = "drivers_probe", .first = 1, .last = last, .error = EIO});
}

/* Unless it is being tried again at that moment. */
static void start_is_refused(struct testbed *testbed)
{
    struct error err = {.kind = ERROR_BUSY};

    for (unsigned i = 0; err.kind == ERROR_BUSY; i++) {
        cr_assert_lt(i, MOST);
        cr_assert_null(testbed_try(testbed, "vm_start", "{'vmid': 100, 'config': {'kvm': 0}}", &err));
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_expect(strstr(err.message, "is tried again") != NULL, "%s", err.message);
}

/* One that fails each time, and one that only the driver of the host fails for: the function is with vfio-pci
 * again then, which is no way back. */
static void expect_another_try(unsigned last)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    write_machine(&testbed);
    set_fault(last);
    testbed_fail(&testbed, "vm_stop", STOP, DISK);
    autofree char *left = read_left(&testbed);
    cr_expect(strstr(left, DISK) != NULL, "'%s'", left);
    start_is_refused(&testbed);
    kernel_set_fault(NULL);
    wait_until_gone(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

Test(vm_end, function_that_does_not_go_back_is_tried_again)
{
    expect_another_try(1);
}

Test(vm_end, function_that_is_left_half_way_is_tried_again)
{
    expect_another_try(UINT32_MAX);
}

/* The next broker knows it, too. */
Test(vm_end, is_tried_again_by_the_next_broker)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    write_machine(&testbed);
    set_fault(UINT32_MAX);
    testbed_fail(&testbed, "vm_stop", STOP, DISK);
    testbed_stop_broker(&testbed, SIGKILL);
    kernel_set_fault(NULL);
    testbed_start_broker(&testbed);
    wait_until_gone(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_binding(DISK, "nvme", "");
}

/* False where no device node can be made. */
static bool make_node(const struct testbed *testbed, char **ret)
{
    *ret = xasprintf("%s/node", testbed->tree.path);
    return mknod(*ret, S_IFCHR | 0600, makedev(1, 3)) == 0 && chown(*ret, USER, 0) == 0;
}

static void write_order(const struct testbed *testbed, const char *node)
{
    autofree char *order = xasprintf("{\"uid\": %d, \"own\": [\"%s\", \"/dev/none-such\"]}", USER, node);

    tree_write(&testbed->tree, "run/vm/100/order", order);
    tree_write(&testbed->tree, "run/vm/100/machine", "{\"vmid\": 100, \"functions\": []}");
}

static uid_t owner_of(const char *path)
{
    struct stat found;

    cr_assert_eq(stat(path, &found), 0);
    return found.st_uid;
}

static void install(const struct testbed *testbed, const char *script)
{
    autofree char *path = xasprintf("%s/hostpci", testbed->tree.path);

    tree_write(&testbed->tree, "hostpci", script);
    cr_assert_eq(chmod(path, 0755), 0);
}

/* The supervisor was killed: another process makes the node root's, and until it is the user stays taken. */
Test(vm_end, node_of_a_killed_supervisor_is_given_back)
{
    autotestbed struct testbed testbed;
    autofree char *node = NULL;

    make(&testbed);
    if (!make_node(&testbed, &node))
        cr_skip_test("only root makes device nodes");
    install(&testbed, "#!/bin/sh\necho no more\nexit 1\n");
    write_order(&testbed, node);
    testbed_fail(&testbed, "vm_stop", STOP, "device nodes still belong to the VM's user");
    expect_log(&testbed, "hostpci: no more");
    cr_expect_eq(owner_of(node), USER);
    autofree char *script =
        xasprintf("#!/bin/sh\n[ \"$1 $2 $3\" = \"supervise --give-back %s/run/vm/100\" ] && chown 0 %s\n",
                  testbed.tree.path, node);
    install(&testbed, script);
    wait_until_gone(&testbed);
    cr_expect_eq(owner_of(node), 0);
    testbed_wait_until_idle(&testbed);
    expect_nothing_open(&testbed);
}

Test(vm_end, supervise_gives_back_what_is_the_users_alone)
{
    autotestbed struct testbed testbed;
    autofree char *node = NULL;

    testbed_make_host(&testbed);
    if (!make_node(&testbed, &node))
        cr_skip_test("only root makes device nodes");
    write_order(&testbed, node);
    autofree char *folder = xasprintf("%s/run/vm/100", testbed.tree.path);
    char *arguments[] = {xstrdup("supervise"), xstrdup("--give-back"), folder, NULL};
    cr_expect_eq(supervisor_main(3, arguments), 0);
    cr_expect_eq(owner_of(node), 0);
    cr_assert_eq(chown(node, USER + 1, 0), 0);
    cr_expect_eq(supervisor_main(3, arguments), 0);
    cr_expect_eq(owner_of(node), USER + 1, "it is another VM's now");
    free(arguments[0]);
    free(arguments[1]);
}
