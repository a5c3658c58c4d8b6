/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run after all others: did some test call each endpoint with success? ($HOSTPCI_COVERAGE, see
 * tests/api/call.c) */
#include <criterion/criterion.h>
#include <string.h>

#include "api/request.h"
#include "base/file.h"
#include "base/memory.h"

Test(coverage, every_endpoint_was_called)
{
    const char *path = getenv("HOSTPCI_COVERAGE");
    autofree char *calls = NULL;
    struct error err;

    if (path == NULL)
        cr_skip_test("nothing was recorded");
    cr_assert_eq(file_read(path, 64 << 20, &calls, NULL, &err), 0, "%s", err.message);
    for (size_t i = 0; i < endpoint_count; i++) {
        const struct endpoint *endpoint = endpoint_table[i];
        autofree char *line = xasprintf("%s %s\n", method_names[endpoint->method], endpoint->path);
        cr_expect_not_null(strstr(calls, line), "no test calls %s", line);
    }
}
