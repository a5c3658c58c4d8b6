/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/power. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "broker/operations.h"

static int set_power(struct request *request, json_t **ret, struct error *err)
{
    return hardware_begin_task(request, "pcipower", &operation_d3cold, ret, err);
}

const struct endpoint endpoint_set_pci_power = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/power",
    .text = "Sets how deeply a device may sleep while it is idle. A card with several functions only sleeps "
            "if each of them may.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID, {.name = NULL, .more = operation_d3cold_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = set_power,
};
