/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/reset. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "broker/operations.h"

static int reset_pci(struct request *request, json_t **ret, struct error *err)
{
    return hardware_begin_task(request, "pcireset", &operation_reset, ret, err);
}

const struct endpoint endpoint_reset_pci = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/reset",
    .text = "Resets a device with the first of the kernel's methods that works. If none does, the device's "
            "status shows that until a reset works.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID, {.name = NULL, .more = operation_reset_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = reset_pci,
};
