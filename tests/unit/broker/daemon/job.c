/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs from their start to their end. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/client.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

Test(job, its_log_and_its_end_can_be_read_again)
{
    autotestbed struct testbed testbed;
    autojson json_t *result = NULL;
    struct lines rest = {.count = 1};
    struct error err = {.message = ""};

    testbed_make(&testbed);
    testbed_do(&testbed, "driver", TAKE_DISK,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    autofree char *log = client_follow(&testbed, "UPID:1", NULL);
    cr_assert_str_eq(log, text_string(&testbed.log));
    cr_assert_eq(broker_follow(testbed.client, "UPID:1", 1, client_add_line, &rest, &result, &err), 0);
    cr_assert_str_eq(text_string(&rest.text), strchr(log, '\n') + 1, "all but the first line");
    text_release(&rest.text);
    testbed.number = 0;
    testbed_fail(&testbed, "driver", TAKE_DISK, "there is an operation 'UPID:1' already");
}

Test(job, goes_on_when_its_client_hangs_up)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    client_let_go(&testbed);
    autofree char *log = client_follow(&testbed, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "vfio-pci"), "%s", log);
    expect_binding(DISK, "vfio-pci", "vfio-pci");
}

/* `state` shows it while it runs, and whoever else wants the function learns which operation has it. */
Test(job, has_its_functions_for_itself)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    autojson json_t *state = testbed_ask(&testbed, "state", "{}");
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "operation", "'driver'");
    expect_member(running, "function", "'" DISK "'");
    expect_member(running, "functions", "['" DISK "']");
    expect_member(running, "arguments",
                  "{'id': '" DISK
                  "', 'driver': 'vfio-pci', 'scope': 'function', 'take-over': 0, 'force': 0}");
    expect_member(running, "waiting-since", NULL);
    cr_assert_not_null(strstr(json_string_value(json_object_get(running, "step")), "unbind"));

    testbed_fail(&testbed, "driver", TAKE_DISK,
                 DISK " is being changed by another operation, driver 'UPID:a'");
    testbed_do(&testbed, "driver", "{'id': '" NETWORK "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'vfio-pci'}]}");
    client_let_go(&testbed);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0);
    expect_nothing_open(&testbed);
}

Test(job, stops_after_its_step_and_goes_back)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    testbed_do(&testbed, "stop", "{'id': 'UPID:a'}", "{}");
    client_let_go(&testbed);
    client_expect(&testbed, client, "stopped on request; " DISK " is back with nvme");
    expect_binding(DISK, "nvme", "");
    client_follow_to_error(&testbed, "UPID:a", "stopped on request", "a stop was requested");
    expect_nothing_open(&testbed);
}

Test(job, ends_before_the_broker_that_is_asked_to_end)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    cr_assert_eq(kill(testbed.broker, SIGTERM), 0);
    usleep(200 * 1000);
    cr_assert_eq(waitpid(testbed.broker, NULL, WNOHANG), 0, "it waits");
    client_let_go(&testbed);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0, "the operation worked");
    cr_assert_eq(waitpid(testbed.broker, &status, 0), testbed.broker);
    cr_assert_eq(status, 0);
    testbed.broker = 0;
    expect_binding(DISK, "vfio-pci", "vfio-pci");
}

/* A step from which the kernel does not return is reported with its file, and holds up nobody else. */
Test(job, reports_that_the_kernel_does_not_return)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    const char *where = NULL;
    autojson json_t *state = NULL;
    for (int i = 0; where == NULL; i++) {
        cr_assert_lt(i, 300, "it is not reported that it waits");
        usleep(100 * 1000);
        json_decref(state);
        state = testbed_ask(&testbed, "state", "{}");
        json_t *running = json_array_get(json_object_get(state, "operations"), 0);
        where = json_string_value(json_object_get(running, "waiting-text"));
    }
    cr_assert_not_null(strstr(where, "unbind"), "%s", where);
    client_let_go(&testbed);
    int status;
    waitpid(client, &status, 0);
    cr_assert_eq(status, 0);
    autofree char *log = client_follow(&testbed, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "waiting for the kernel since "), "%s", log);
    cr_assert_not_null(strstr(log, DISK ": unbind"), "%s", log);
    cr_assert_not_null(strstr(log, "the kernel came back after 1"), "%s", log);
}

/* A reading may hang, too: its client gets an answer all the same, and other readings go on. */
Test(job, a_reading_that_hangs_is_given_up)
{
    autotestbed struct testbed testbed;
    struct error err;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_READ, DISK "/driver_override");
    testbed_fail(&testbed, "describe", "{'id': '" DISK "'}", "the kernel does not answer");
    testbed_fail(&testbed, "describe", "{'id': '" DISK "'}",
                 "the last reading of the same has not come back");
    autojson json_t *other = testbed_try(&testbed, "describe", "{'id': '" NETWORK "'}", &err);
    cr_assert_not_null(other, "%s", err.message);
    client_let_go(&testbed);
    autojson json_t *again = NULL;
    for (int i = 0; again == NULL; i++) {
        cr_assert_lt(i, 1000, "%s", err.message);
        again = testbed_try(&testbed, "describe", "{'id': '" DISK "'}", &err);
        usleep(2000);
    }
}
