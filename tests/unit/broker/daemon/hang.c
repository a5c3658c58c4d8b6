/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps from which the kernel does not return: they hold up nobody else, and whatever ends meanwhile, every
 * function is where it was or where it was asked to be. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/stage.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

/* Takes the disk, and comes to where the kernel does not return from this write. */
static struct stage_call *take_and_hang(struct stage *stage, const char *file)
{
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = file, .first = 1, .until = stage_until(stage)});
    struct stage_call *call = stage_begin(stage, "driver", TAKE_DISK);
    cr_assert(stage_wait_for_hang(call), "nothing hangs");
    return call;
}

static void expect_end(struct stage_call *call, const char *message)
{
    struct error err = {.message = ""};
    autojson json_t *result = stage_end(call, &err);

    if (message == NULL)
        cr_expect_not_null(result, "%s", err.message);
    else
        cr_expect(result == NULL && strstr(err.message, message) != NULL, "'%s' should have '%s'",
                  err.message, message);
}

Test(hang, holds_up_nobody_else)
{
    autostage struct stage stage;

    stage_make(&stage);
    struct stage_call *first = take_and_hang(&stage, "nvme/unbind");
    stage_fail(&stage, "driver", TAKE_DISK, DISK);
    stage_fail(&stage, "reset", "{'id': '" DISK "'}", DISK);
    stage_do(&stage, "driver", "{'id': '" NETWORK "', 'driver': 'none'}",
             "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': ''}]}");
    stage_let_go(&stage);
    expect_end(first, NULL);
    expect_place(DISK, "vfio-pci", "vfio-pci");
    expect_quiet(&stage);
}

Test(hang, is_undone_when_it_was_asked_to_stop)
{
    autostage struct stage stage;

    stage_make(&stage);
    struct stage_call *call = take_and_hang(&stage, "nvme/unbind");
    json_decref(stage_ask(&stage, "stop", "{'id': 'UPID:1'}"));
    stage_let_go(&stage);
    expect_end(call, "stopped as asked for; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

Test(hang, is_undone_when_its_worker_dies)
{
    static const char *const files[] = {DISK "/driver_override", "nvme/unbind", "drivers_probe"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autostage struct stage stage;
        stage_make(&stage);
        struct stage_call *call = take_and_hang(&stage, files[i]);
        cr_assert_eq(kill(stage_worker(&stage), SIGKILL), 0);
        expect_end(call, "interrupted; " DISK " is back with nvme");
        expect_place(DISK, "nvme", "");
        expect_quiet(&stage);
    }
}

/* The worker of the broker that was killed may still do its step: nothing is touched before it has. */
Test(hang, is_undone_by_the_next_broker_after_the_kernel_has_returned)
{
    static const char *const files[] = {DISK "/driver_override", "nvme/unbind", "drivers_probe"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autostage struct stage stage;
        stage_make(&stage);
        struct stage_call *call = take_and_hang(&stage, files[i]);
        stage_stop_broker(&stage, SIGKILL);
        unsigned writes = kernel_count(SYSFS_WRITE);
        stage_start_broker(&stage);
        stage_fail(&stage, "driver", TAKE_DISK, DISK);
        stage_do(&stage, "driver", "{'id': '" NETWORK "', 'driver': 'auto'}",
                 "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'e1000e'}]}");
        cr_expect_eq(kernel_count(SYSFS_WRITE), writes);
        stage_let_go(&stage);
        expect_end(call, "interrupted; " DISK " is back with nvme");
        expect_place(DISK, "nvme", "");
        expect_quiet(&stage);
    }
}
