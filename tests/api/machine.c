/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run: a real QEMU, which emulates its processor, behind the real daemon and broker. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/call.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define STATUS  QEMU "/100/status"
#define SECONDS 60

static struct broker *broker;

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("a broker is started by root");
    START(.host = "workstation");
    broker = broker_new(daemon_run());
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", NULL);
}

TestSuite(machine, .init = start, .timeout = 180);

/* What the broker tells of all VMs. */
static json_t *ask(void)
{
    json_t *result = NULL;
    struct error err;

    cr_assert_eq(broker_call(broker, "vms", NULL, json_object(), NULL, NULL, &result, &err), 0, "%s",
                 err.message);
    return result;
}

static pid_t pid_of_vm(void)
{
    autojson json_t *all = ask();

    return (pid_t)json_integer_value(
        json_object_get(json_object_get(json_object_get(all, "vms"), "100"), "pid"));
}

static const char *state_of_vm(const char *member)
{
    static char text[64];
    autojson json_t *all = ask();

    snprintf(text, sizeof(text), "%s",
             json_text(json_object_get(json_object_get(all, "vms"), "100"), member));
    return text;
}

/* QEMU's supervisor writes it down a moment after the start. */
static void status_becomes(const char *status)
{
    double end = machine_slept() + SECONDS;

    while (strcmp(state_of_vm("qmpstatus"), status) != 0 && machine_slept() < end)
        machine_sleep(20);
    cr_assert_str_eq(state_of_vm("qmpstatus"), status);
}

static const char *run_task(const char *verb)
{
    autofree char *path = xasprintf(STATUS "/%s", verb);
    autofree char *upid = xstrdup(json_string_value(post(path, NULL, NULL)));

    return vm_task_end(upid);
}

static void nothing_is_left(void)
{
    autofree char *folder = xasprintf("%s/vm/100", daemon_run());
    double end = machine_slept() + SECONDS;

    while (access(folder, F_OK) == 0 && machine_slept() < end)
        machine_sleep(20);
    cr_assert_neq(access(folder, F_OK), 0, "'%s' is left", folder);
    cr_assert_eq(pid_of_vm(), 0);
}

static uid_t user_of(pid_t pid)
{
    autofree char *path = xasprintf("/proc/%d", (int)pid);
    struct stat status = {0};

    cr_assert_eq(stat(path, &status), 0, "QEMU does not run");
    return status.st_uid;
}

DAEMON_TEST(machine, runs_as_a_user_of_its_own_until_it_is_stopped)
{
    cr_assert_str_eq(run_task("start"), "OK");
    pid_t pid = pid_of_vm();
    cr_assert_gt(pid, 0);
    cr_assert_geq(user_of(pid), 1900000000u);
    status_becomes("running");
    cr_assert(text_starts_with(state_of_vm("running-machine"), "pc-i440fx-"));
    cr_assert_str_eq(run_task("start"), "VM 100 already running");
    cr_assert_eq(pid_of_vm(), pid);
    cr_assert_str_eq(run_task("stop"), "OK");
    nothing_is_left();
    cr_assert_eq(kill(pid, 0), -1);
    cr_assert_str_eq(run_task("stop"), "OK");
}

DAEMON_TEST(machine, is_cleaned_up_after_when_it_is_killed)
{
    cr_assert_str_eq(run_task("start"), "OK");
    cr_assert_eq(kill(pid_of_vm(), SIGKILL), 0);
    nothing_is_left();
    autojson json_t *all = ask(), *result = NULL;
    const json_t *end = json_array_get(json_object_get(all, "ends"), 0);
    struct error err;
    cr_assert_eq(json_integer_value(json_object_get(end, "vmid")), 100);
    cr_assert_eq(broker_follow(broker, json_text(end, "operation"), 0, NULL, NULL, &result, &err), 0, "%s",
                 err.message);
    cr_assert_str_eq(run_task("start"), "OK");
    cr_assert_str_eq(run_task("stop"), "OK");
}

DAEMON_TEST(machine, outlives_daemon_and_broker)
{
    cr_assert_str_eq(run_task("start"), "OK");
    pid_t pid = pid_of_vm();
    daemon_stop();
    cr_assert_eq(kill(pid, 0), 0, "QEMU has ended with the daemon");
    daemon_start_again();
    cr_assert_eq(pid_of_vm(), pid);
    cr_assert_str_eq(run_task("stop"), "OK");
    nothing_is_left();
}

/* A QEMU that refuses its arguments. */
DAEMON_TEST(machine, that_qemu_refuses_leaves_nothing_and_says_why)
{
    put(QEMU "/100/config", "args", "-device nothing-like-that", NULL);
    cr_assert_str_eq(run_task("start"), "start failed: QEMU exited with code 1");
    nothing_is_left();
}

DAEMON_TEST(machine, whose_disk_is_not_there_leaves_nothing_and_says_so)
{
    put(QEMU "/100/config", "scsi0", "/nothing/like/that.raw", NULL);
    const char *end = run_task("start");
    cr_assert_not_null(strstr(end, "'/nothing/like/that.raw' is missing"), "%s", end);
    nothing_is_left();
}

DAEMON_TEST(machine, has_its_disk_open)
{
    autofree char *images = xasprintf("%s/images", daemon_state()), *disk = xasprintf("%s/disk.raw", images);
    cr_assert_eq(mkdir(images, 0755), 0);
    cr_assert_eq(close(creat(disk, 0600)), 0);
    cr_assert_eq(truncate(disk, 1 << 20), 0);
    put(QEMU "/100/config", "scsi0", disk, NULL);
    cr_assert_str_eq(run_task("start"), "OK");
    cr_assert_str_eq(run_task("stop"), "OK");
    nothing_is_left();
}

/* Root opens what the daemon names, which is trusted with nothing but its own folder. */
DAEMON_TEST(machine, gets_no_disk_from_elsewhere)
{
    autofree char *disk = xasprintf("%s/disk.raw", daemon_state()),
                  *images = xasprintf("%s/images", daemon_state());
    autofree char *within = xasprintf("%s/disk.raw", images);
    autojson json_t *result = NULL;
    struct error err;

    cr_assert_eq(close(creat(disk, 0600)), 0);
    cr_assert_eq(truncate(disk, 1 << 20), 0);
    put(QEMU "/100/config", "scsi0", disk, NULL);
    cr_assert_not_null(strstr(run_task("start"), "does not lie below a --volume-dir"));
    nothing_is_left();
    cr_assert_eq(broker_call(broker, "vm_start", "UPID:other",
                             json_pack("{s:i, s:{s:i, s:s, s:s}}", "vmid", 100, "config", "kvm", 0, "vga",
                                       "none", "scsi0", disk),
                             NULL, NULL, &result, &err),
                 -1);
    cr_assert_not_null(strstr(err.message, "a --volume-dir of the broker"), "%s", err.message);
    nothing_is_left();
    cr_assert_eq(symlink(daemon_state(), images), 0);
    put(QEMU "/100/config", "scsi0", within, NULL);
    cr_assert_not_null(strstr(run_task("start"), "is a link, or lies below one"));
    nothing_is_left();
    cr_assert_eq(unlink(images), 0);
}
