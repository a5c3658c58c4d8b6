/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps from which the kernel does not return: they hold up nobody else, and whatever ends meanwhile, every
 * function is where it was or where it was asked to be. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

/* Takes the disk, up to this write, from which the kernel does not return. */
static struct testbed_call *take_and_hang(struct testbed *testbed, const char *file)
{
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = file, .first = 1, .until = testbed_until(testbed)});
    struct testbed_call *call = testbed_begin(testbed, "driver", TAKE_DISK);
    cr_assert(testbed_wait_for_hang(call), "nothing hangs");
    return call;
}

static void expect_end(struct testbed_call *call, const char *message)
{
    struct error err = {.message = ""};
    autojson json_t *result = testbed_end(call, &err);

    if (message == NULL)
        cr_expect_not_null(result, "%s", err.message);
    else
        cr_expect(result == NULL && strstr(err.message, message) != NULL, "'%s' should have '%s'",
                  err.message, message);
}

Test(hang, holds_up_nobody_else)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    struct testbed_call *first = take_and_hang(&testbed, "nvme/unbind");
    testbed_fail(&testbed, "driver", TAKE_DISK, DISK);
    testbed_fail(&testbed, "reset", "{'id': '" DISK "'}", DISK);
    testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'none'}",
               "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': ''}]}");
    testbed_let_go(&testbed);
    expect_end(first, NULL);
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}

Test(hang, is_undone_when_it_was_asked_to_stop)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    struct testbed_call *call = take_and_hang(&testbed, "nvme/unbind");
    json_decref(testbed_ask(&testbed, "stop", "{'id': 'UPID:1'}"));
    testbed_let_go(&testbed);
    expect_end(call, "stopped on request; " DISK " is back with nvme");
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

Test(hang, is_undone_when_its_worker_dies)
{
    static const char *const files[] = {DISK "/driver_override", "nvme/unbind", "drivers_probe"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autotestbed struct testbed testbed;
        testbed_make(&testbed);
        struct testbed_call *call = take_and_hang(&testbed, files[i]);
        cr_assert_eq(kill(testbed_worker(&testbed), SIGKILL), 0);
        expect_end(call, "interrupted; " DISK " is back with nvme");
        expect_binding(DISK, "nvme", "");
        expect_nothing_open(&testbed);
    }
}

/* The worker of the broker that was killed may still do its step: nothing is changed before it has. */
Test(hang, is_undone_by_the_next_broker_after_the_kernel_has_returned)
{
    static const char *const files[] = {DISK "/driver_override", "nvme/unbind", "drivers_probe"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autotestbed struct testbed testbed;
        testbed_make(&testbed);
        struct testbed_call *call = take_and_hang(&testbed, files[i]);
        testbed_stop_broker(&testbed, SIGKILL);
        unsigned writes = kernel_count(SYSFS_WRITE);
        testbed_start_broker(&testbed);
        testbed_fail(&testbed, "driver", TAKE_DISK, DISK);
        testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'auto'}",
                   "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'e1000e'}]}");
        cr_expect_eq(kernel_count(SYSFS_WRITE), writes);
        testbed_let_go(&testbed);
        expect_end(call, "interrupted; " DISK " is back with nvme");
        expect_binding(DISK, "nvme", "");
        expect_nothing_open(&testbed);
    }
}
