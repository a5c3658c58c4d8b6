/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each access of each operation fails in turn, or never returns. Afterwards, or after a restart of the broker
 * on a host that is well again, each function is where it was or where it was asked to be, its reset methods
 * are as before, and the journal has nothing open. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "base/memory.h"
#include "tests/unit/broker/scenario.h"

static const int errors[] = {EIO, EBUSY, ENODEV, EINVAL, ENOSPC, ENOENT};
static const char *const kinds[] = {[SYSFS_OPEN] = "open",
                                    [SYSFS_READ] = "read",
                                    [SYSFS_WRITE] = "write",
                                    [SYSFS_LINK] = "readlink",
                                    [SYSFS_LIST] = "list"};

static char *describe(const struct scenario *scenario, const struct kernel_fault *fault)
{
    return xasprintf("%s %s, %s %u%s ends with %s%s", scenario->operation, scenario->arguments,
                     kinds[fault->access], fault->first,
                     fault->last > fault->first ? " and all after it" : "",
                     fault->error != 0 ? strerrorname_np(fault->error) : "the kernel's late return",
                     fault->after ? " though done" : "");
}

/* False if the operation has fewer accesses of that kind. */
static bool fail_at(const struct scenario *scenario, struct testbed *testbed,
                    const struct kernel_fault *fault)
{
    autofree char *what = describe(scenario, fault);
    struct error err;

    scenario_prepare(scenario, testbed);
    kernel_set_fault(fault);
    json_decref(testbed_try(testbed, scenario->operation, scenario->arguments, &err));
    bool reached = kernel_fault_count() >= fault->first;
    kernel_set_fault(NULL);
    if (fault->last > fault->first && reached) { /* there was no way back either */
        testbed_stop_broker(testbed, SIGTERM);
        testbed_start_broker(testbed);
        testbed_wait_until_idle(testbed);
    }
    scenario_expect_end(scenario, testbed, what);
    return reached;
}

/* In `make check` each access fails with one error only, the next access with the next one. */
static void fail_each(const struct scenario *scenario, struct testbed *testbed, struct kernel_fault fault,
                      bool forever)
{
    unsigned most = scenario_wants_all() ? COUNT_OF(errors) : 1;

    for (unsigned i = 0; i < most; i++) {
        bool reached = true;
        for (unsigned first = 1; reached; first++) {
            fault.first = first;
            fault.last = forever ? UINT_MAX : first;
            fault.error = errors[(first + i) % COUNT_OF(errors)];
            if (forever && fault.access == SYSFS_OPEN && fault.error == ENOENT)
                continue; /* a function whose folder is never there again is gone */
            reached = fail_at(scenario, testbed, &fault);
        }
    }
}

/* `path`: in `make check` only accesses that have it in their path. */
static void fail_each_kind(const struct scenario *scenario, const char *path)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++)
        fail_each(scenario, &testbed,
                  (struct kernel_fault){.access = kind, .path = scenario_wants_all() ? NULL : path}, false);
    /* the kernel did what it says it could not */
    fail_each(scenario, &testbed, (struct kernel_fault){.access = SYSFS_WRITE, .after = true}, false);
}

/* The broker is killed while the kernel does not return, and the next one runs when it does. */
static bool return_late_at(const struct scenario *scenario, struct testbed *testbed,
                           struct kernel_fault fault)
{
    autofree char *what = describe(scenario, &fault);
    struct error err;

    scenario_prepare(scenario, testbed);
    fault.until = testbed_until(testbed);
    kernel_set_fault(&fault);
    struct testbed_call *call = testbed_begin(testbed, scenario->operation, scenario->arguments);
    bool reached = testbed_wait_for_hang(call);
    if (reached) {
        testbed_stop_broker(testbed, SIGKILL);
        testbed_start_broker(testbed);
        testbed_let_go(testbed);
    }
    json_decref(testbed_end(call, &err));
    kernel_set_fault(NULL);
    scenario_expect_end(scenario, testbed, what);
    return reached;
}

static void return_late(const struct scenario *scenario, enum sysfs_access kind)
{
    autotestbed struct testbed testbed;
    unsigned first = 1;

    testbed_make(&testbed);
    while (return_late_at(scenario, &testbed, (struct kernel_fault){.access = kind, .first = first}))
        first++;
}

/* One test each, so that they share the processors. */
Test(fault, of_each_access_when_given_to_vfio)
{
    fail_each_kind(&scenarios[0], NULL);
}

Test(fault, of_each_access_when_left_without_driver)
{
    fail_each_kind(&scenarios[1], SCREEN);
}

Test(fault, of_each_access_when_given_to_another_driver)
{
    fail_each_kind(&scenarios[2], SOUND);
}

Test(fault, of_each_access_when_left_to_the_kernel)
{
    fail_each_kind(&scenarios[3], "pci/dr");
}

Test(fault, of_each_access_when_restored)
{
    fail_each_kind(&scenarios[4], NULL);
}

Test(fault, of_each_access_when_reset)
{
    fail_each_kind(&scenarios[5], NULL);
}

Test(fault, of_each_access_when_divided)
{
    fail_each_kind(&scenarios[6], NULL);
}

Test(fault, of_each_access_when_divided_anew)
{
    fail_each_kind(&scenarios[7], "sriov");
}

Test(fault, of_each_access_when_made_whole)
{
    fail_each_kind(&scenarios[8], NETWORK);
}

Test(fault, of_each_access_when_its_rom_is_read)
{
    fail_each_kind(&scenarios[9], SCREEN);
    fail_each_kind(&scenarios[10], SCREEN);
}

Test(fault, of_each_access_when_given_to_the_driver_that_is_made_for_it)
{
    fail_each_kind(&scenarios[11], SCREEN);
    fail_each_kind(&scenarios[12], SCREEN);
}

Test(fault, of_each_access_when_it_is_kept_from_d3cold)
{
    fail_each_kind(&scenarios[13], NULL);
}

Test(fault, of_each_access_when_taken_over)
{
    fail_each_kind(&scenarios[14], "sysfs.conf");
}

Test(fault, of_each_access_when_a_drive_is_divided)
{
    fail_each_kind(&scenarios[15], "sriov");
    fail_each_kind(&scenarios[16], "sriov");
}

Test(fault, of_each_access_when_a_vm_gets_it)
{
    fail_each_kind(&scenarios[17], SCREEN);
}

Test(fault, of_each_access_when_virtual_functions_get_settings)
{
    fail_each_kind(&scenarios[18], "settings");
    fail_each_kind(&scenarios[19], "settings");
}

Test(fault, of_each_access_when_a_count_with_settings_is_taken_over)
{
    fail_each_kind(&scenarios[20], "sysfs.conf");
}

Test(fault, of_all_that_follows)
{
    for (size_t i = 0; i < scenario_count; i++) {
        autotestbed struct testbed testbed;
        testbed_make(&testbed);
        for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++)
            if (scenario_wants_all() ||
                (kind == SYSFS_WRITE &&
                 (scenarios[i].restores || scenarios[i].divides || i == 0 || i == 5 || i >= 9)))
                fail_each(&scenarios[i], &testbed, (struct kernel_fault){.access = kind}, true);
    }
}

Test(fault, of_a_broker_whose_worker_the_kernel_holds)
{
    for (size_t i = 0; i < (scenario_wants_all() ? scenario_count : 1); i++)
        for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++)
            if (scenario_wants_all() || kind == SYSFS_WRITE)
                return_late(&scenarios[i], kind);
}
