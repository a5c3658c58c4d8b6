/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that never stops talking, in bytes of any value: what it says by its agent's channel or its serial
 * port fills neither memory nor a log, and everybody else is served. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define VM        QEMU "/100"
#define GROWS_KIB (16 * 1024)

static void start(void)
{
    START(.host = NULL);
    guest_create(&guest_of_flood);
}

TestSuite(qemu_hostile, .init = start, .fini = console_kill_vm, .timeout = 240);

static void log_is_printable(void)
{
    autofree char *log = daemon_log();

    for (const char *next = log; *next != '\0'; next++)
        cr_assert((unsigned char)*next >= ' ' || *next == '\n', "byte %02x in the log: %.80s",
                  (unsigned)(unsigned char)*next, next);
}

static void stop(void)
{
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    log_is_printable();
}

DAEMON_TEST(qemu_hostile, is_no_agent)
{
    static const char none[] = "QEMU guest agent is not running";

    put(VM "/config", "agent", "enabled=1,type=isa", NULL);
    console_start_vm();
    long long before = daemon_peak_memory();
    for (unsigned i = 0; i < 3; i++) {
        fails(500, none, "POST", VM "/agent/ping", NULL);
        fails(500, none, "GET", VM "/agent/network-get-interfaces", NULL);
    }
    const char *upid = json_string_value(post(VM "/status/shutdown", "timeout", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "VM quit/powerdown failed - got timeout");
    cr_expect_lt(daemon_peak_memory() - before, GROWS_KIB);
    stop();
}

/* One who reads gets all of it, and one who does not makes the guest wait. */
DAEMON_TEST(qemu_hostile, is_a_terminal_like_any_other)
{
    static const char greeting[] = "OKstarting serial terminal on interface serial0\r\n";
    unsigned char bytes[4096];

    put(VM "/config", "serial0", "socket", NULL);
    console_start_vm();
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = console_open_terminal(proxy);
    console_send_line(fd, proxy);
    console_expect_stream(fd, greeting);
    console_receive_stream(fd, bytes, sizeof(bytes));
    for (size_t i = 1; i < sizeof(bytes); i++)
        cr_assert_eq(bytes[i], (unsigned char)(bytes[i - 1] + 1), "at %zu", i);
    long long before = daemon_peak_memory();
    for (unsigned i = 0; i < 30; i++) {
        machine_sleep(100);
        cr_expect_str_eq(text_of(get(VM "/status/current", NULL), "status"), "running");
    }
    cr_expect_lt(daemon_peak_memory() - before, GROWS_KIB);
    stop();
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
}
