/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/iommu: whether the host is ready for passthrough, and its IOMMU groups. */
#include "api/checks.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/iommu/report.h"

/* The broker can read every file, so it is asked first. If it fails, for whatever reason, this process
 * reports what it can read itself. */
static int get_iommu(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    const struct service *service = request->service;

    if (broker_call(service->broker, "describe-host", NULL, json_object(), NULL, NULL, ret, err) != 0 &&
        (inventory_source_get(service->inventory, &inventory, err) != 0 ||
         readiness_describe_host(service->sysroot, inventory, ret, err) != 0))
        return -1;
    checks_name_node(*ret, service->node);
    return 0;
}

const struct endpoint endpoint_get_iommu = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/iommu",
    .text = "Shows whether the host is ready for PCI passthrough, and if not, what to do.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties = PROPERTIES(
                {.name = "enabled", .type = SCHEMA_BOOLEAN, .text = "Whether the kernel uses an IOMMU."},
                OPTIONAL_TEXT("driver", "intel-iommu, amd-iommu and so on."),
                OPTIONAL_FLAG("interrupt-remapping", "Whether interrupt remapping is enabled."),
                OPTIONAL_TEXT(
                    "default-domain",
                    "IOMMU domain type of the devices that the host uses: identity, DMA, DMA-FQ or mixed."),
                {.name = "groups", .type = SCHEMA_INTEGER, .text = "Number of IOMMU groups."},
                {.name = "checks",
                 .type = SCHEMA_ARRAY,
                 .items = ITEMS(.type = SCHEMA_OBJECT, .properties = check_properties),
                 .text = "Results of the checks, the worst first."}),
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
    OPTIONAL_TEXT("type", "direct, direct-relaxable, reserved or msi."),
    {.name = NULL},
};

const struct endpoint endpoint_list_iommu_groups = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/iommu/groups",
    .text = "Lists the IOMMU groups. The devices of a group can only be passed through together.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no IOMMU groups: the IOMMU is missing or disabled. "
                         "/nodes/localhost/hardware/iommu says why.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "group", .type = SCHEMA_INTEGER},
                              OPTIONAL_TEXT(
                                  "type",
                                  "The group's domain type while the host uses it: DMA, DMA-FQ, identity and "
                                  "so on."),
                              {.name = "isolated",
                               .type = SCHEMA_BOOLEAN,
                               .text = "Whether all its functions, bridges aside, belong to one device."},
                              WORDS("devices", "PCI ids of its devices."),
                              {.name = "reserved",
                               .type = SCHEMA_ARRAY,
                               .optional = true,
                               .items = ITEMS(.type = SCHEMA_OBJECT, .properties = reserved_properties),
                               .text =
                                   "Address ranges that a VM with these devices cannot use as memory."}))},
    .may_block = true,
    .on_node = true,
    .run = list_iommu_groups,
};
