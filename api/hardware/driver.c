/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/driver: takes a device from the host, and gives it back. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "base/memory.h"

static int set_driver(struct request *request, json_t **ret, struct error *err)
{
    static const char *const parameters[] = {"driver", "scope", "persistent", "force", NULL};

    return hardware_begin_task(request, "pcidriver", "driver", parameters, ret, err);
}

const struct endpoint endpoint_set_pci_driver = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/driver",
    .text = "Gives a device another driver: takes it from the host, or gives it back. The task's log first "
            "tells which functions the host loses and what it uses them for. What is in use is refused, and "
            "a step that fails is undone.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_PCI_ID,
        {.name = "driver",
         .type = SCHEMA_STRING,
         .pattern = "[A-Za-z0-9_-]{1,63}",
         .text = "vfio-pci: ready for a virtual machine; none: stays without a driver; auto: the one that "
                 "the kernel chooses; restore: what it had before it was first taken; or a driver's name."},
        {.name = "scope",
         .type = SCHEMA_STRING,
         .optional = true,
         .fallback = "function",
         .values = VALUES("function", "device", "group"),
         .text = "This function, all functions of its device, or all of its IOMMU group but bridges."},
        {.name = "persistent",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .text = "1: also at each start of the host (auto and restore: forget such a choice); 0: forget it. "
                 "Left out: the choice stays as it is."},
        {.name = "force",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .fallback = "0",
         .text = "Even if the host or a virtual machine is using it. A bridge and what holds the root file "
                 "system are refused all the same."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = set_driver,
};
