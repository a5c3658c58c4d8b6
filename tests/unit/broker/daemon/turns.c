/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords cannot be guessed through the broker. On a host that is only played each attempt fails. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "broker/daemon/turns.h"
#include "broker/protocol.h"
#include "tests/unit/broker/testbed.h"

#define OF(user) "{'user': '" user "', 'password': 'guess'}"

static void expect_failure(struct testbed_call *call)
{
    struct error err = {.message = ""};
    json_t *result = testbed_end(call, &err);

    cr_expect_null(result);
    cr_expect_not_null(strstr(err.message, "PAM knows only the users of this host"), "%s", err.message);
}

Test(broker_turns, a_user_has_one_attempt_at_a_time_and_a_rest_after_a_failure)
{
    autotestbed struct testbed testbed;
    struct testbed_call *calls[4];
    long long began = clock_milliseconds();

    testbed_make(&testbed);
    for (size_t i = 0; i < 3; i++)
        calls[i] = testbed_begin(&testbed, "pam", i == 1 ? OF("ROOT") : OF("root"));
    calls[3] = testbed_begin(&testbed, "pam", OF("joe"));
    expect_failure(calls[3]);
    cr_expect_lt(clock_milliseconds() - began, TURNS_REST_MS, "nobody waits for another user's attempts");
    for (size_t i = 0; i < 3; i++)
        expect_failure(calls[i]);
    cr_expect_geq(clock_milliseconds() - began, 2 * TURNS_REST_MS);
}

/* Whoever hangs up has guessed, too. */
Test(broker_turns, hanging_up_wins_nothing)
{
    autotestbed struct testbed testbed;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct error err;

    testbed_make(&testbed);
    autofree char *path = xasprintf("%s/run/broker.sock", testbed.tree.path);
    stpcpy(address.sun_path, path);
    autojson json_t *request = json_pack("{s:s, s:{s:s, s:s}}", "operation", "pam", "arguments", "user",
                                         "root", "password", "guess");
    long long began = clock_milliseconds();
    for (size_t i = 0; i < 5; i++) {
        autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        cr_assert_eq(protocol_send(fd, request, &err), 0);
        testbed_wait_until_idle(&testbed);
    }
    expect_failure(testbed_begin(&testbed, "pam", OF("root")));
    cr_expect_geq(clock_milliseconds() - began, TURNS_REST_MS);
}
