/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest agent of a VM that really runs. */
#include <criterion/criterion.h>
#include <signal.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define SECONDS 60

static pid_t process; /* of QEMU; 0: none */

static void start(void)
{
    START(.host = NULL);
    guest_create(&guest_of_agent);
}

/* A test that fails leaves no QEMU behind. */
static void tidy(void)
{
    if (process > 1)
        kill(process, SIGKILL);
}

TestSuite(qemu_agent, .init = start, .fini = tidy, .timeout = 240);

static const char *end_of(const char *path)
{
    const char *end = vm_task_end(json_string_value(post(path, NULL)));
    const json_t *now = get(VM "/status/current", NULL);

    process = has(now, "pid") ? (pid_t)number_of(now, "pid") : 0;
    return end;
}

/* As clients do: until the guest has come up. */
static void wait_for_agent(void)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        const struct reply *reply =
            call_unchecked(&(struct call){.method = "POST", .path = VM "/agent/ping"});
        if (reply->status == 200)
            return;
        cr_assert_str_eq(text_of(reply->json, "message"), "QEMU guest agent is not running\n");
        cr_assert_lt(machine_slept(), end, "the guest does not boot");
        machine_sleep(100);
    }
}

/* In the order that clients rely on. The guest of this VM has no channel at first. */
DAEMON_TEST(qemu_agent, that_does_not_answer_is_told_why)
{
    fails(500, "No QEMU guest agent configured", "POST", VM "/agent/ping", NULL);
    put(VM "/config", "agent", "0", NULL);
    fails(500, "VM 100 is not running", "POST", VM "/agent/ping", NULL);
    cr_expect_str_eq(end_of(VM "/status/start"), "OK");
    fails(500, "QEMU guest agent is not running", "POST", VM "/agent/ping", NULL);
    fails(500, "QEMU guest agent is not running", "GET", VM "/agent/info", NULL);
    cr_expect_str_eq(end_of(VM "/status/stop"), "OK");
    put(VM "/config", "agent", "1", NULL); /* a channel at which this guest does not listen */
    cr_expect_str_eq(end_of(VM "/status/start"), "OK");
    fails(500, "QEMU guest agent is not running", "GET", VM "/agent/network-get-interfaces", NULL);
    fails(500, "QEMU guest agent is not running", "GET", VM "/agent/get-osinfo", NULL);
    cr_expect_str_eq(end_of(VM "/status/stop"), "OK");
}

DAEMON_TEST(qemu_agent, tells_what_it_is_asked_and_shuts_down)
{
    put(VM "/config", "agent", "enabled=1,type=isa", NULL);
    cr_expect_str_eq(end_of(VM "/status/start"), "OK");
    wait_for_agent();
    is_json(post(VM "/agent/ping", NULL), "{'result':{}}");
    is_json(get(VM "/agent/info", NULL), "{'result':{'version':'8','supported_commands':[]}}");
    is_json(get(VM "/agent/network-get-interfaces", NULL),
            "{'result':[{'name':'e0','ip-addresses':[{'ip-address':'10.0.2.15','ip-address-type':'ipv4',"
            "'prefix':24}]}]}");
    is_json(get(VM "/agent/get-osinfo", NULL), "{'result':{'error':{'class':'GenericError','desc':'no'}}}");
    cr_expect_str_eq(end_of(VM "/status/shutdown"), "OK");
    cr_expect_str_eq(text_of(get(VM "/status/current", NULL), "status"), "stopped");
}

/* The agent, which does not answer, is passed over. */
DAEMON_TEST(qemu_agent, that_is_not_there_leaves_the_power_button)
{
    put(VM "/config", "agent", "1", NULL);
    cr_expect_str_eq(end_of(VM "/status/start"), "OK");
    const char *upid = json_string_value(post(VM "/status/shutdown", "timeout", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "VM quit/powerdown failed - got timeout");
    cr_expect(has_row(vm_task_log(upid), "t", "QEMU guest agent is not running: pressing the power button"));
    cr_expect_str_eq(end_of(VM "/status/stop"), "OK");
}
