/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run after all others: did some test call each endpoint with success? ($HOSTPCI_COVERAGE, see
 * tests/api/call.c) */
#include <criterion/criterion.h>
#include <string.h>

#include "api/request.h"
#include "base/file.h"
#include "base/memory.h"

/* Those that have nothing to give but a refusal; tests/api/group.c reads it. */
static bool only_refuses(const struct endpoint *endpoint)
{
    static const struct {
        enum method method;
        const char *path;
    } rows[] = {{METHOD_POST, "/access/domains"},
                {METHOD_DELETE, "/access/domains/{realm}"},
                {METHOD_GET, "/cluster/ha/resources/{sid}"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].method == endpoint->method && strcmp(rows[i].path, endpoint->path) == 0)
            return true;
    return false;
}

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
        if (endpoint->text_type != NULL) /* tests read such a reply as it is, and record nothing */
            continue;
        cr_expect(only_refuses(endpoint) || strstr(calls, line) != NULL, "no test calls %s", line);
    }
}
