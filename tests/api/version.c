/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /version. */
#include <criterion/criterion.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(version, .init = start);

DAEMON_TEST(version, is_that_of_the_api_for_clients_that_compare_it_and_ours_beside)
{
    const json_t *version = get("/version", NULL);

    cr_assert_str_eq(text_of(version, "version"), "9.2");
    cr_assert_str_eq(text_of(version, "release"), "9.2");
    cr_assert_str_eq(text_of(version, "hostpci-version"), VERSION);
    text_of(version, "repoid");
    cr_assert(json_equal(get("/nodes/" NODE "/version", NULL), version));
}
