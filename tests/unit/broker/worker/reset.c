/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation reset: the kernel's methods are tried one by one, and afterwards the function has its list of
 * them and its driver as before. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define RESET(id) "{'id': '" id "'}"

static void expect_method(struct testbed *testbed, const char *arguments, const char *method)
{
    autojson json_t *result = testbed_ask(testbed, "reset", arguments);

    cr_expect_str_eq(json_string_value(json_object_get(result, "method")), method);
    cr_expect(json_is_integer(json_object_get(result, "milliseconds")));
}

/* The fact that is saved of the last reset. */
static void expect_mark(struct testbed *testbed, const char *id, const char *method, int ok,
                        const char *message)
{
    autofree char *arguments = xasprintf("{'id': '%s'}", id);
    autojson json_t *state = testbed_ask(testbed, "state", arguments);
    const json_t *reset = json_object_get(json_object_get(json_object_get(state, "functions"), id), "reset");

    cr_assert_not_null(reset);
    cr_expect_str_eq(json_string_value(json_object_get(reset, "method")), method);
    cr_expect_eq(json_integer_value(json_object_get(reset, "ok")), ok);
    cr_expect(strstr(json_string_value(json_object_get(reset, "message")), message) != NULL, "%s",
              json_string_value(json_object_get(reset, "message")));
    cr_expect_gt(json_integer_value(json_object_get(reset, "time")), 1700000000);
}

Test(reset, uses_the_first_method_that_works)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    expect_method(&testbed, RESET(SCREEN), "flr");
    cr_assert_eq(kernel_resets(SCREEN), 1);
    expect_log(&testbed, SCREEN ": reset by flr worked (");
    expect_mark(&testbed, SCREEN, "flr", 1, "");
    cr_assert_str_eq(kernel_reset_methods(SCREEN), "flr bus");
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
}

Test(reset, goes_on_to_the_next_method)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_set_reset(SCREEN, "flr", ENOTTY);
    expect_method(&testbed, RESET(SCREEN), "bus");
    expect_log(&testbed, SCREEN ": reset by flr failed (");
    expect_log(&testbed,
               "cannot write '1' to /sys/bus/pci/devices/" SCREEN
               "/reset: Inappropriate ioctl for device (ENOTTY): the device cannot be reset in that way");
    expect_mark(&testbed, SCREEN, "bus", 1, "");
    cr_assert_str_eq(kernel_reset_methods(SCREEN), "flr bus");
    expect_nothing_open(&testbed);
}

/* The failure is shown until a reset works. */
Test(reset, marks_a_function_until_a_good_one)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_set_reset(SCREEN, "flr", ETIMEDOUT);
    kernel_set_reset(SCREEN, "bus", EIO);
    testbed_fail(&testbed, "reset", RESET(SCREEN), SCREEN " could not be reset: flr: cannot write '1'");
    expect_mark(&testbed, SCREEN, "bus", 0,
                "Connection timed out (ETIMEDOUT): the device did not come back in time");
    cr_assert_str_eq(kernel_reset_methods(SCREEN), "flr bus");
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
    kernel_set_reset(SCREEN, "bus", 0);
    expect_method(&testbed, RESET(SCREEN), "bus");
    expect_mark(&testbed, SCREEN, "bus", 1, "");
}

Test(reset, notices_a_device_that_does_not_answer_any_more)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_set_reset(DISK, "flr", -1);
    testbed_fail(&testbed, "reset", RESET(DISK),
                 "the kernel says that it was reset, but the device does not answer");
    expect_mark(&testbed, DISK, "flr", 0, "are all ff");
    expect_nothing_open(&testbed);
}

Test(reset, needs_a_method)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "reset", RESET(NETWORK), NETWORK " cannot be reset: ");
    tree_write(&testbed.tree, "sys/bus/pci/devices/" DISK "/reset_method", "\n");
    testbed_fail(&testbed, "reset", RESET(DISK), "then write default there");
    expect_nothing_open(&testbed);
}

/* Before Linux 5.15 there is no list. */
Test(reset, works_on_an_old_kernel)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "sys/bus/pci/devices/" IDLE "/reset", "");
    expect_method(&testbed, RESET(IDLE), "kernel");
    expect_nothing_open(&testbed);
}

Test(reset, refuses_what_is_in_use_unless_forced)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/2");
    testbed_fail(&testbed, "reset", RESET(DISK), "what the host uses is not reset unless forced: " DISK);
    cr_assert_eq(kernel_resets(DISK), 0);
    expect_method(&testbed, "{'id': '" DISK "', 'force': 1}", "flr");
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    host_add_disk(&testbed.tree, "nvme0n1", "259:0", DISK_FOLDER);
    kernel_put(DISK, "nvme", "");
    tree_write(&testbed.tree, "proc/1/mountinfo", "27 1 259:0 / / rw - ext4 /dev/root rw\n");
    testbed_fail(&testbed, "reset", "{'id': '" DISK "', 'force': 1}",
                 "what the host cannot run without is never reset");
    expect_nothing_open(&testbed);
}

Test(reset, survives_the_loss_of_the_function_at_each_step)
{
    for (unsigned step = 1;; step++) {
        autotestbed struct testbed testbed;
        struct error err = {.message = ""};
        testbed_make(&testbed);
        kernel_set_fault(&(struct kernel_fault){.access = SYSFS_WRITE, .first = step, .unplug = SCREEN});
        autojson json_t *result = testbed_try(&testbed, "reset", RESET(SCREEN), &err);
        if (kernel_fault_count() < step)
            break;
        cr_expect_null(result, "step %u", step);
        cr_expect(strstr(err.message, SCREEN " is gone") != NULL, "step %u: %s", step, err.message);
        expect_nothing_open(&testbed);
    }
}
