/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that talks to clients never reads what can grow. */
#include <criterion/criterion.h>
#include <string.h>

#include "api/request.h"
#include "base/memory.h"

Test(api_endpoints, what_grows_is_read_in_a_worker)
{
    static const char *const paths[] = {"/access/users",
                                        "/access/users/{userid}",
                                        "/access/groups",
                                        "/access/groups/{groupid}",
                                        "/access/roles",
                                        "/access/roles/{roleid}",
                                        "/access/acl",
                                        "/access/permissions",
                                        "/cluster/nextid",
                                        "/access/users/{userid}/token",
                                        "/cluster/resources",
                                        "/access/users/{userid}/token/{tokenid}",
                                        "/cluster/tasks",
                                        "/nodes/{node}/tasks",
                                        "/nodes/{node}/qemu",
                                        "/nodes/{node}/tasks/{upid}/log",
                                        "/cluster/mapping/pci",
                                        "/nodes/{node}/tasks/{upid}/status",
                                        "/nodes/{node}/hardware/pci"};
    size_t found = 0;

    for (size_t i = 0; i < endpoint_count; i++)
        for (size_t j = 0; j < COUNT_OF(paths); j++) {
            if (endpoint_table[i]->method != METHOD_GET || strcmp(endpoint_table[i]->path, paths[j]) != 0)
                continue;
            cr_expect(endpoint_table[i]->may_block, "%s", paths[j]);
            found++;
        }
    cr_assert_eq(found, COUNT_OF(paths));
}
