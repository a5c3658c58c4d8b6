/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /pools: there are none. Clients written for Proxmox VE list them with every VM. */
#include "api/endpoints.h"
#include "api/request.h"

static int list_pools(struct request *request, json_t **ret, struct error *err)
{
    const char *pool = param_string(request, "poolid");

    if (param_given(request, "type") && pool == NULL)
        return error_set_field(err, "poolid", "missing property - 'type' requires this property");
    if (pool != NULL)
        return error_set(err, ERROR_NOT_FOUND, "pool '%s' does not exist", pool);
    *ret = json_array();
    return 0;
}

const struct endpoint endpoint_list_pools = {
    .method = METHOD_GET,
    .path = "/pools",
    .text = "Lists the pools: there are none.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "poolid",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-poolid",
                              .max_length = 128,
                              .text = "This pool with its members. There is none."},
                             {.name = "type",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("qemu", "lxc", "storage"),
                              .text = "Of that pool, list only members of this type."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no pools.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "poolid", .type = SCHEMA_STRING},
                                                        OPTIONAL_TEXT("comment", "What it is for.")))},
    .run = list_pools,
};
