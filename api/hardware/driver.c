/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/driver: detaches a device from the host, and gives it back. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "broker/operations.h"

static int set_driver(struct request *request, json_t **ret, struct error *err)
{
    return hardware_begin_task(request, "pcidriver", &operation_driver, ret, err);
}

const struct endpoint endpoint_set_pci_driver = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/driver",
    .text = "Binds a device to another driver: detaches it from the host, or gives it back. The task's log "
            "first says which functions the host loses and what it uses them for. A device that is in use is "
            "refused unless forced. If a step fails, the steps before it are undone.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID, {.name = NULL, .more = operation_driver_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = set_driver,
};
