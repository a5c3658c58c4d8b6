/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/ha: nothing is managed by a cluster. Clients written for Proxmox VE request it for every VM, and
 * take the error's text for a no. */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"

const struct endpoint endpoint_get_ha = {
    .method = METHOD_GET,
    .path = "/cluster/ha",
    .text = "Lists the parts of high availability.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .index_key = "id",
};

const struct endpoint endpoint_list_ha_resources = {
    .method = METHOD_GET,
    .path = "/cluster/ha/resources",
    .text = "Lists the VMs that a cluster keeps running: there are none.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .parameters = PROPERTIES({.name = "type",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("ct", "vm"),
                              .text = "Only resources of this type."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "No cluster keeps a VM running.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "sid", .type = SCHEMA_STRING}))},
    .run = request_list_none,
};

static int get_resource(struct request *request, json_t **ret, struct error *err)
{
    const char *sid = param_string(request, "sid");

    (void)ret;
    return error_set(err, ERROR_NOT_FOUND, "no such resource '%s%s'", strchr(sid, ':') == NULL ? "vm:" : "",
                     sid);
}

const struct endpoint endpoint_get_ha_resource = {
    .method = METHOD_GET,
    .path = "/cluster/ha/resources/{sid}",
    .text = "Shows how a cluster keeps a VM running. It always fails, since hostpci has no such clusters.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Audit"),
    .parameters = PROPERTIES({.name = "sid",
                              .type = SCHEMA_STRING,
                              .format = "pve-ha-resource-or-vm-id",
                              .text = "vm:VMID, or VMID alone."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES({.name = "sid", .type = SCHEMA_STRING},
                                         {.name = "type", .type = SCHEMA_STRING},
                                         {.name = "digest", .type = SCHEMA_STRING})},
    .run = get_resource,
};
