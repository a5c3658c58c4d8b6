/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of mediated devices of which each access fails in turn, or whose worker or broker is killed between
 * any two steps: afterwards the device and its file are both as they were or both as they were to be. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/broker/client.h"
#include "tests/unit/broker/scenario.h"

#define TYPE   "nouveau-small"
#define UUID   "11111111-2222-3333-4444-555555555555"

#define CREATE "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "', 'persistent': 1}"
#define REMOVE "{'id': '" SCREEN "', 'uuid': '" UUID "'}"
#define TAKE_OVER                                                                                            \
    "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "', 'persistent': 1, 'take-over': 1}"
#define LINE "bus/pci/devices/" SCREEN "/mdev_supported_types/" TYPE "/create = " UUID "\n"

static const struct change {
    const char *operation, *arguments;
    bool begins;     /* with the device and its file */
    bool takes_over; /* what sysfs.conf sets */
} changes[] = {{"mdev-create", CREATE, false, false},
               {"mdev-remove", REMOVE, true, false},
               {"mdev-create", TAKE_OVER, false, true}};

static void make_host(struct testbed *testbed)
{
    testbed_make_host(testbed);
    kernel_add_mdev_type(SCREEN, TYPE, 2);
}

static bool has_file(const struct testbed *testbed)
{
    autofree char *path = xasprintf("%s/etc/mdevctl.d/" SCREEN "/" UUID, testbed->tree.path);

    return access(path, F_OK) == 0;
}

static bool has_device(void)
{
    return kernel_mdev(UUID)[0] != '\0';
}

static void prepare(const struct change *change, struct testbed *testbed)
{
    kernel_set_fault(NULL);
    if (change->begins) { /* with "auto" the next broker would create it, too */
        tree_write(&testbed->tree, "etc/mdevctl.d/" SCREEN "/" UUID,
                   "{\"mdev_type\": \"" TYPE "\", \"start\": \"manual\"}");
        if (!has_device()) /* not by the broker, which would look for leftovers at its next start */
            kernel_put_mdev(SCREEN, TYPE, UUID);
    }
    if (!change->begins && (has_device() || has_file(testbed)))
        json_decref(testbed_ask(testbed, "mdev-remove", REMOVE));
    if (change->takes_over)
        tree_write(&testbed->tree, "etc/sysfs.conf", LINE);
}

/* It is there (an owner whose file cannot be read is none), or a comment: then the device's file is. */
static void expect_line(const struct testbed *testbed, const char *what)
{
    autofree char *path = xasprintf("%s/etc/sysfs.conf", testbed->tree.path), *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &text, NULL, &err), 0, "%s: %s", what, err.message);
    if (strcmp(text, "# kept by hostpci: " LINE) == 0)
        cr_expect(has_file(testbed), "%s: nobody keeps it", what);
    else
        cr_expect_str_eq(text, LINE, "%s: '%s'", what, text);
}

static void expect_end(const struct change *change, const struct testbed *testbed, const char *what)
{
    if (change->takes_over)
        expect_line(testbed, what);
    cr_expect_eq(has_device(), has_file(testbed), "%s: the device %s, its file %s", what,
                 has_device() ? "exists" : "does not exist", has_file(testbed) ? "does" : "does not");
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), has_device() ? 1U : 2U, "%s", what);
    expect_nothing_open_after(testbed, what);
}

static bool fail_at(const struct change *change, struct testbed *testbed, const struct kernel_fault *fault)
{
    autofree char *what = xasprintf("%s, access %u of kind %d ends with %s", change->operation, fault->first,
                                    (int)fault->access, strerrorname_np(fault->error));
    struct error err;

    prepare(change, testbed);
    kernel_set_fault(fault);
    json_decref(testbed_try(testbed, change->operation, change->arguments, &err));
    bool reached = kernel_fault_count() >= fault->first;
    kernel_set_fault(NULL);
    expect_end(change, testbed, what);
    return reached;
}

Test(mdev_fault, of_each_access)
{
    static const int errors[] = {EIO, EBUSY, ENODEV, EINVAL, ENOSPC, EAGAIN};

    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        autotestbed struct testbed testbed;
        make_host(&testbed);
        testbed_start_broker(&testbed);
        for (int kind = 0; kind <= SYSFS_ACCESSES; kind++) {
            /* the last round: the kernel did what it says it could not */
            struct kernel_fault fault = {.access =
                                             kind < SYSFS_ACCESSES ? (enum sysfs_access)kind : SYSFS_WRITE,
                                         .path = scenario_wants_all() ? NULL : "mdev",
                                         .first = 1,
                                         .after = kind == SYSFS_ACCESSES};
            do
                fault.error = errors[(fault.first + i) % COUNT_OF(errors)];
            while (fail_at(&changes[i], &testbed, &fault) && ++fault.first > 0);
        }
    }
}

/* False if the operation has fewer steps. */
static bool kill_at(const struct change *change, unsigned step, bool broker)
{
    autofree char *what =
        xasprintf("%s, %s killed at step %u", change->operation, broker ? "broker" : "worker", step);
    autotestbed struct testbed testbed;
    struct error err = {.message = ""};

    make_host(&testbed);
    testbed_start_broker(&testbed);
    prepare(change, &testbed);
    testbed_stop_broker(&testbed, SIGTERM);
    testbed.stop_at = step;
    testbed_start_broker(&testbed);
    testbed.stop_at = 0;
    struct testbed_call *call = testbed_begin(&testbed, change->operation, change->arguments);
    bool stopped = testbed_wait_for_stop(&testbed, call);
    if (stopped && broker) {
        testbed_stop_broker(&testbed, SIGKILL);
        testbed_start_broker(&testbed);
    } else if (stopped) {
        cr_assert_eq(kill(testbed_worker(&testbed), SIGKILL), 0);
        cr_assert_eq(kill(testbed.broker, SIGCONT), 0);
    }
    autojson json_t *result = testbed_end(call, &err);
    if (stopped && broker)
        testbed_wait_until_idle(&testbed); /* the next one looks for leftovers, too */
    if (stopped) {
        cr_expect(result == NULL && strstr(err.message, "interrupted; " SCREEN " ") != NULL, "%s: '%s'", what,
                  err.message);
        cr_expect_eq(has_device(), change->begins, "%s: it is not as it was", what);
    }
    expect_end(change, &testbed, what);
    return stopped;
}

static void kill_at_each(bool broker)
{
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        unsigned step = 1;
        while (kill_at(&changes[i], step, broker))
            step++;
        cr_expect_gt(step, 4, "%s has only %u steps", changes[i].operation, step - 1);
    }
}

Test(mdev_fault, of_a_worker_that_is_killed_at_each_step)
{
    kill_at_each(false);
}

Test(mdev_fault, of_a_broker_that_is_killed_at_each_step)
{
    kill_at_each(true);
}

/* Its attribute cannot be written, and it cannot be removed either: nobody may take it for finished. The next
 * broker's first attempt fails, too; what is kept is applied all the same. */
Test(mdev_fault, of_both_ways_at_a_start_leaves_it_half_way)
{
    autotestbed struct testbed testbed;

    make_host(&testbed);
    tree_write(&testbed.tree, "etc/mdevctl.d/" SCREEN "/" UUID,
               "{\"mdev_type\": \"" TYPE "\", \"start\": \"auto\", \"attrs\": [{\"weight\": \"3\"}]}");
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = UUID, .first = 1, .last = 1000000, .error = EIO});
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    cr_expect(has_device());
    client_follow_to_error(&testbed, "mdev:" SCREEN, "is left half-way",
                           SCREEN " is left half-way: create or remove the mediated device again");
    testbed_stop_broker(&testbed, SIGTERM);
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = UUID, .first = 1, .last = 2, .error = EIO});
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    free(client_follow(&testbed, "mdev:" SCREEN, NULL));
    cr_expect(has_device());
    expect_nothing_open(&testbed);
}

/* The slot has another device than the one whose change is to be undone. */
Test(mdev_fault, is_not_undone_on_another_device)
{
    autotestbed struct testbed testbed;

    make_host(&testbed);
    testbed.stop_at = 4; /* it is created */
    testbed_start_broker(&testbed);
    testbed.stop_at = 0;
    struct testbed_call *call = testbed_begin(&testbed, "mdev-create", CREATE);
    struct error err;
    cr_assert(testbed_wait_for_stop(&testbed, call));
    testbed_stop_broker(&testbed, SIGKILL);
    cr_assert(has_device());
    tree_write(&testbed.tree, "sys/bus/pci/devices/" SCREEN "/device", "0x1b81\n");
    testbed_start_broker(&testbed);
    json_decref(testbed_end(call, &err));
    cr_expect_not_null(strstr(err.message, "is gone"), "%s", err.message);
    cr_expect(has_device(), "it was touched");
}
