/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/reset. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "base/memory.h"

static int reset_pci(struct request *request, json_t **ret, struct error *err)
{
    static const char *const parameters[] = {"force", NULL};

    return hardware_begin_task(request, "pcireset", "reset", parameters, ret, err);
}

const struct endpoint endpoint_reset_pci = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/reset",
    .text = "Resets a device by the first of the kernel's methods that works. If none does, its status shows "
            "that until one has worked.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID,
                             {.name = "force",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Even if the host or a virtual machine is using it."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = reset_pci,
};
