/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/reset, on a made host behind which a kernel is played. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/hosts/kernel.h"

#define PCI       "/nodes/" NODE "/hardware/pci"
#define GPU       "0000:01:00.0"
#define ROOT_DISK "0000:02:00.0"
#define NIC       "0000:03:00.0"
#define DISK      "0000:04:00.0" /* reset methods: flr bus */
#define ISA       "0000:00:1f.0"

static void start(void)
{
    START(.host = "golden", .kernel = true);
}

TestSuite(reset, .init = start, .timeout = 120);

static const json_t *reset_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return member(member(get(path, NULL), "state"), "reset");
}

static char *reset_log(const char *id)
{
    autofree char *upid = reset_begin(id, false);

    task_succeeds(upid);
    return task_text(upid);
}

DAEMON_TEST(reset, by_the_first_method_and_the_driver_stays)
{
    autofree char *log = reset_log(DISK);

    contains(log, DISK ": reset by flr worked");
    cr_assert_eq(kernel_resets(DISK), 1);
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
    cr_assert_str_eq(kernel_reset_methods(DISK), "flr bus", "as they were");
    const json_t *reset = reset_of(DISK);
    cr_assert_str_eq(text_of(reset, "method"), "flr");
    cr_assert_eq(number_of(reset, "ok"), 1);
    cr_assert_leq(number_of(reset, "time"), (long long)time(NULL));
    cr_assert_str_empty(text_of(reset, "message"));
}

DAEMON_TEST(reset, by_the_next_method_if_the_first_fails)
{
    kernel_set_reset(DISK, "flr", ENOTTY);
    autofree char *log = reset_log(DISK);

    contains(log, DISK ": reset by flr failed");
    contains(log, DISK ": reset by bus worked");
    cr_assert_str_eq(text_of(reset_of(DISK), "method"), "bus");
    cr_assert_str_eq(kernel_reset_methods(DISK), "flr bus");
}

/* A failed reset stays in the status until one has worked. */
DAEMON_TEST(reset, failure_is_shown_until_a_reset_has_worked)
{
    kernel_set_reset(DISK, "flr", EIO);
    kernel_set_reset(DISK, "bus", EIO);
    autofree char *upid = reset_begin(DISK, false);
    task_fails(upid, "Input/output error");
    const json_t *reset = reset_of(DISK);
    cr_assert_eq(number_of(reset, "ok"), 0);
    cr_assert_str_eq(text_of(reset, "method"), "bus");
    contains(text_of(reset, "message"), "Input/output error");
    cr_assert_str_eq(kernel_reset_methods(DISK), "flr bus");

    kernel_set_reset(DISK, "bus", 0);
    free(reset_log(DISK));
    cr_assert_eq(number_of(reset_of(DISK), "ok"), 1);
}

DAEMON_TEST(reset, device_that_does_not_answer_afterwards_has_failed)
{
    kernel_set_reset(DISK, "flr", -1);
    kernel_set_reset(DISK, "bus", -1);
    autofree char *upid = reset_begin(DISK, false);
    task_fails(upid, DISK);
    cr_assert_eq(number_of(reset_of(DISK), "ok"), 0);
}

DAEMON_TEST(reset, of_what_is_in_use_is_refused_unless_forced)
{
    autofree char *upid = reset_begin(NIC, false), *forced = NULL;

    task_fails(upid, "/proc/net/route");
    cr_assert_eq(kernel_resets(NIC), 0);
    forced = reset_begin(NIC, true);
    task_succeeds(forced);
    cr_assert_eq(kernel_resets(NIC), 1);
    autofree char *root = reset_begin(ROOT_DISK, true);
    task_fails(root, "the host cannot run without it");
    cr_assert_eq(kernel_resets(ROOT_DISK), 0);
}

DAEMON_TEST(reset, bridges_are_refused)
{
    autofree char *upid = reset_begin(ISA, true);

    task_fails(upid, "is a bridge");
}
