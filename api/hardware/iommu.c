/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/iommu: is the host ready, and its IOMMU groups. */
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/iommu/report.h"

const struct schema check_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .text = "A stable word for the check; docs/checks.md lists them."},
    {.name = "severity",
     .type = SCHEMA_STRING,
     .values = VALUES("ok", "info", "warning", "error"),
     .text = "error: must be resolved first; warning: may fail or harm."},
    {.name = "message", .type = SCHEMA_STRING, .text = "What was found."},
    OPTIONAL_TEXT("evidence", "The file that was read and what it held."),
    OPTIONAL_TEXT("remedy", "What to type, a line each."),
    {.name = NULL},
};

/* As the broker sees it, who may read all; else as we do. */
static int get_iommu(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (broker_call(request->service->broker, "describe-host", NULL, json_object(), NULL, NULL, ret, err) ==
        0)
        return 0;
    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    return readiness_describe_host(request->service->sysroot, inventory, ret, err);
}

const struct endpoint endpoint_get_iommu = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/iommu",
    .text = "Whether the host is ready for passing devices through, and if not what to do.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties = PROPERTIES(
                {.name = "enabled", .type = SCHEMA_BOOLEAN, .text = "The kernel drives an IOMMU."},
                OPTIONAL_TEXT("driver", "intel-iommu, amd-iommu and so on."),
                OPTIONAL_FLAG("interrupt-remapping", "Interrupts of devices are remapped, too."),
                OPTIONAL_TEXT("default-domain", "How the host uses it: identity, DMA, DMA-FQ, mixed."),
                {.name = "groups", .type = SCHEMA_INTEGER, .text = "How many IOMMU groups there are."},
                {.name = "checks",
                 .type = SCHEMA_ARRAY,
                 .items = ITEMS(.type = SCHEMA_OBJECT, .properties = check_properties),
                 .text = "What was looked at, the worst first."}),
        },
    .may_block = true,
    .on_node = true,
    .run = get_iommu,
};

static int list_iommu_groups(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    return iommu_list_groups(request->service->sysroot, inventory, ret, err);
}

static const struct schema reserved_properties[] = {
    OPTIONAL_TEXT("start", "First address."),
    OPTIONAL_TEXT("end", "Last address."),
    OPTIONAL_TEXT("type", "direct, direct-relaxable, reserved, msi."),
    {.name = NULL},
};

const struct endpoint endpoint_list_iommu_groups = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/iommu/groups",
    .text = "Lists the IOMMU groups: devices of one group can only be passed through together.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "group", .type = SCHEMA_INTEGER},
                              OPTIONAL_TEXT("type", "DMA, DMA-FQ, identity and so on: how the host uses it."),
                              {.name = "isolated",
                               .type = SCHEMA_BOOLEAN,
                               .text = "It holds functions of one device alone, besides bridges."},
                              WORDS("devices", "PCI ids of its devices."),
                              {.name = "reserved",
                               .type = SCHEMA_ARRAY,
                               .optional = true,
                               .items = ITEMS(.type = SCHEMA_OBJECT, .properties = reserved_properties),
                               .text = "Address ranges that no VM can use as memory."}))},
    .may_block = true,
    .on_node = true,
    .run = list_iommu_groups,
};
