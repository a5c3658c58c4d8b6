/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/pending: the configuration, and what the next start changes in it. */
#include <string.h>

#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"

static int get_pending(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autojson json_t *document = NULL;
    char digest[DIGEST_SIZE];

    if (vm_document_read(service->storage, service->node, param_integer(request, "vmid"), &document, NULL,
                         err) != 0)
        return -1;
    object_digest(document, digest);
    *ret = vm_config_list_pending(document);
    json_array_append_new(*ret, json_pack("{s:s, s:s}", "key", "digest", "value", digest));
    return 0;
}

/* Proxmox VE declares strings, and sends integers and booleans as numbers, as in the configuration. */
#define PENDING_VALUE(key, about)                                                                            \
    {.name = (key), .type = SCHEMA_STRING, .or_integer = true, .optional = true, .text = (about)}

const struct endpoint endpoint_get_qemu_pending = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/pending",
    .text = "Shows the configuration, key by key, and what the next start changes in it.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "key", .type = SCHEMA_STRING},
                                   PENDING_VALUE("value", "Its current value; left out if it is not set."),
                                   PENDING_VALUE("pending", "Its value from the next start on."),
                                   {.name = "delete",
                                    .type = SCHEMA_INTEGER,
                                    .optional = true,
                                    .range = RANGE(0, 2),
                                    .text = "1: the next start removes it; 2: by force."}))},
    .on_node = true,
    .run = get_pending,
};
