/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QEMU that does not do what it should: it ends at once, says nothing or too much, or stops to listen while
 * its VM runs. Each start and stop comes to its end in a bounded time and says why, and nothing is left. The
 * package qemu-system-x86 is needed, since what QEMU can do is asked of the real one. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM         QEMU "/100"
#define SECONDS    60
#define MOST_BYTES (4 * 1024 * 1024) /* of a log */

static pid_t process; /* of the last QEMU; 0: none */

static void write_file(const char *name, const char *text, mode_t mode)
{
    autofree char *path = xasprintf("%s/%s", daemon_run(), name);
    struct error err;

    cr_assert_eq(file_replace(path, text, strlen(text), mode, &err), 0, "%s", err.message);
}

/* In the folder of the sockets: QEMU's user gets there, and of what is in /tmp the broker sees no more than
 * that. */
static void start(void)
{
    static char above[64], qemu[80];
    static const char *const arguments[] = {"--qemu", qemu, NULL};
    const char *temporary = getenv("TMPDIR");

    snprintf(above, sizeof(above), "%s/faults-XXXXXX", temporary != NULL ? temporary : "/tmp");
    cr_assert_not_null(mkdtemp(above));
    snprintf(qemu, sizeof(qemu), "%s/run/qemu", above);
    START(.host = NULL, .folder = above, .arguments = arguments);
    autofree char *script =
        xasprintf("#!/bin/sh\n"
                  "case \"$*\" in *'-machine none'*) exec /usr/bin/qemu-system-x86_64 \"$@\" ;; esac\n"
                  ". %s/does\n",
                  daemon_run());
    write_file("qemu", script, 0755);
    guest_create(&guest_of_button);
}

static void tidy(void)
{
    if (process > 1)
        kill(process, SIGKILL);
}

TestSuite(qemu_faults, .init = start, .fini = tidy, .timeout = 240);

static const char *end_of(const char *verb, const char *timeout)
{
    autofree char *path = xasprintf(VM "/status/%s", verb);

    return vm_task_end(json_string_value(post(path, "timeout", timeout, NULL)));
}

static void nothing_is_left(void)
{
    autofree char *path = xasprintf("%s/vm/100", daemon_run());
    double end = machine_slept() + SECONDS;

    for (; access(path, F_OK) == 0; machine_sleep(50))
        cr_assert_lt(machine_slept(), end, "'%s' is left", path);
    cr_expect_str_eq(text_of(get(VM "/status/current", NULL), "status"), "stopped");
}

static void start_fails(const char *does, const char *why)
{
    write_file("does", does, 0644);
    cr_expect_str_eq(end_of("start", "3"), why);
    nothing_is_left();
}

DAEMON_TEST(qemu_faults, that_ends_at_once_is_told_with_how)
{
    start_fails("exit 0\n", "start failed: QEMU exited with code 0");
    start_fails("echo no such thing; exit 3\n", "start failed: QEMU exited with code 3");
    start_fails("kill -SEGV $$\n", "start failed: QEMU was killed by signal 11");
    start_fails("exec /none/such\n", "start failed: QEMU exited with code 127");
}

DAEMON_TEST(qemu_faults, that_says_nothing_is_waited_for_as_long_as_asked)
{
    start_fails("exec sleep 1000\n", "start failed: QEMU does not answer in time");
}

DAEMON_TEST(qemu_faults, that_talks_without_an_end_fills_no_log)
{
    start_fails("exec yes\n", "start failed: QEMU does not answer in time");
    autofree char *log = daemon_log();
    cr_expect_lt(strlen(log), MOST_BYTES, "%zu bytes", strlen(log));
}

static void start_well(void)
{
    write_file("does", "exec /usr/bin/qemu-system-x86_64 \"$@\"\n", 0644);
    cr_assert_str_eq(end_of("start", "60"), "OK");
    process = (pid_t)number_of(get(VM "/status/current", NULL), "pid");
    cr_assert_gt(process, 1);
}

/* As when a thread of it hangs in the kernel. Who only reads does not wait for it. */
DAEMON_TEST(qemu_faults, that_stops_to_listen_is_ended)
{
    start_well();
    cr_assert_eq(kill(process, SIGSTOP), 0);
    double began = machine_now();
    cr_expect_str_eq(text_of(get(VM "/status/current", NULL), "status"), "running");
    cr_expect_eq(json_array_size(get(QEMU, NULL)), 1);
    cr_expect_lt(machine_now() - began, 5.0);
    cr_expect_eq(json_array_size(get(VM "/devices", NULL)), 0);
    fails(503, "QEMU does not answer in time", "POST", VM "/monitor", "command", "info status", NULL);
    autofree char *upid = xstrdup(json_string_value(post(VM "/status/stop", "timeout", "1", NULL)));
    nothing_is_left(); /* it was told to quit, then got SIGTERM, then SIGKILL */
    cr_expect_str_eq(vm_task_end(upid), "OK");
    cr_expect(has_row(vm_task_log(upid), "t", "VM still running - terminating now with SIGKILL"));
    start_well();
    cr_expect_str_eq(end_of("stop", "60"), "OK");
    nothing_is_left();
}
