/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations from their beginning to their end. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/fixture.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

Test(job, its_log_and_its_end_are_told_again)
{
    autostage struct stage stage;
    autojson json_t *result = NULL;
    struct lines rest = {.count = 1};
    struct error err = {.message = ""};

    stage_make(&stage);
    stage_do(&stage, "driver", TAKE_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    autofree char *log = client_follow(&stage, "UPID:1", NULL);
    cr_assert_str_eq(log, text_string(&stage.log));
    cr_assert_eq(broker_follow(stage.client, "UPID:1", 1, client_add_line, &rest, &result, &err), 0);
    cr_assert_str_eq(text_string(&rest.text), strchr(log, '\n') + 1, "all but the first line");
    text_release(&rest.text);
    stage.number = 0;
    stage_fail(&stage, "driver", TAKE_DISK, "there is an operation 'UPID:1' already");
}

Test(job, goes_on_when_its_client_hangs_up)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    client_let_go(&stage);
    autofree char *log = client_follow(&stage, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "vfio-pci"), "%s", log);
    expect_place(DISK, "vfio-pci", "vfio-pci");
}

/* Its state is told while it runs, and who else wants the function is told who has it. */
Test(job, has_its_functions_for_itself)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    autojson json_t *state = stage_ask(&stage, "state", "{}");
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "operation", "'driver'");
    expect_member(running, "function", "'" DISK "'");
    expect_member(running, "functions", "['" DISK "']");
    expect_member(running, "arguments",
                  "{'id': '" DISK "', 'driver': 'vfio-pci', 'scope': 'function', 'force': 0}");
    expect_member(running, "waiting-since", NULL);
    cr_assert_not_null(strstr(json_string_value(json_object_get(running, "step")), "unbind"));

    stage_fail(&stage, "driver", TAKE_DISK, DISK " is in the hands of another operation, driver 'UPID:a'");
    stage_do(&stage, "driver", "{'id': '" NETWORK "', 'driver': 'vfio-pci'}",
             "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'vfio-pci'}]}");
    client_let_go(&stage);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0);
    expect_quiet(&stage);
}

Test(job, stops_after_its_step_and_goes_back)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    stage_do(&stage, "stop", "{'id': 'UPID:a'}", "{}");
    client_let_go(&stage);
    client_expect(&stage, client, "stopped as asked for; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    client_follow_to_error(&stage, "UPID:a", "stopped as asked for", "asked to stop");
    expect_quiet(&stage);
}

Test(job, ends_before_the_broker_that_is_asked_to_end)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    cr_assert_eq(kill(stage.broker, SIGTERM), 0);
    usleep(200 * 1000);
    cr_assert_eq(waitpid(stage.broker, NULL, WNOHANG), 0, "it waits");
    client_let_go(&stage);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0, "the operation worked");
    cr_assert_eq(waitpid(stage.broker, &status, 0), stage.broker);
    cr_assert_eq(status, 0);
    stage.broker = 0;
    expect_place(DISK, "vfio-pci", "vfio-pci");
}

/* A step for which the kernel does not return is seen, with its file, and holds nobody else. */
Test(job, tells_that_the_kernel_does_not_return)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    const char *where = NULL;
    autojson json_t *state = NULL;
    for (int i = 0; where == NULL; i++) {
        cr_assert_lt(i, 300, "nobody says that it waits");
        usleep(100 * 1000);
        json_decref(state);
        state = stage_ask(&stage, "state", "{}");
        json_t *running = json_array_get(json_object_get(state, "operations"), 0);
        where = json_string_value(json_object_get(running, "waiting-text"));
    }
    cr_assert_not_null(strstr(where, "unbind"), "%s", where);
    client_let_go(&stage);
    int status;
    waitpid(client, &status, 0);
    cr_assert_eq(status, 0);
    autofree char *log = client_follow(&stage, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "waiting for the kernel since "), "%s", log);
    cr_assert_not_null(strstr(log, DISK ": unbind"), "%s", log);
    cr_assert_not_null(strstr(log, "the kernel came back after 1"), "%s", log);
}

/* Reading may hang as well; the reader gets an answer all the same, and others are read. */
Test(job, a_reading_that_hangs_is_given_up)
{
    autostage struct stage stage;
    struct error err;

    stage_make(&stage);
    client_hang(&stage, SYSFS_READ, DISK "/driver_override");
    stage_fail(&stage, "describe", "{'id': '" DISK "'}", "the kernel does not answer");
    stage_fail(&stage, "describe", "{'id': '" DISK "'}", "the last reading of the same has not come back");
    autojson json_t *other = stage_try(&stage, "describe", "{'id': '" NETWORK "'}", &err);
    cr_assert_not_null(other, "%s", err.message);
    client_let_go(&stage);
    autojson json_t *again = NULL;
    for (int i = 0; again == NULL; i++) {
        cr_assert_lt(i, 1000, "%s", err.message);
        again = stage_try(&stage, "describe", "{'id': '" DISK "'}", &err);
        usleep(2000);
    }
}
