/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/preflight: what a start of the VM would do now, and everything that prevents
 * it.
 */
#include "passthrough/preflight/preflight.h"
#include "api/checks.h"
#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"

static int get_preflight(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL;

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0)
        return -1;
    const struct preflight preflight = {.storage = service->storage,
                                        .sysroot = service->sysroot,
                                        .inventory = service->inventory,
                                        .broker = service->broker,
                                        .qemu = service->qemu,
                                        .paths = &service->paths,
                                        .volume_dirs = service->volume_dirs,
                                        .node = service->node,
                                        .vmid = vmid,
                                        .document = document};
    if (preflight_run(&preflight, ret, err) != 0)
        return -1;
    checks_name_node(*ret, service->node);
    return 0;
}

static const struct schema refused_properties[] = {
    {.name = "path", .type = SCHEMA_STRING, .text = "Of the mapping's entry."},
    {.name = "reason", .type = SCHEMA_STRING, .text = "Why it cannot be used."},
    {.name = NULL},
};

static const struct schema detached_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .format = "pci-id"},
    {.name = "driver", .type = SCHEMA_STRING, .text = "The driver that it would be detached from."},
    {.name = NULL},
};

static const struct schema device_properties[] = {
    {.name = "key", .type = SCHEMA_STRING, .text = "hostpci0 to hostpci15."},
    WORDS("chosen",
          "The functions that it would get, or the parent of its mediated device; none: see checks."),
    {.name = "detaches",
     .type = SCHEMA_ARRAY,
     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = detached_properties),
     .text = "Functions that the host would lose for it, including others of the same IOMMU group."},
    OPTIONAL_TEXT("mapping", "The resource mapping from which it is chosen."),
    OPTIONAL_TEXT("mdev", "The type of its mediated device."),
    {.name = "refused",
     .type = SCHEMA_ARRAY,
     .optional = true,
     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = refused_properties),
     .text = "Alternatives of the mapping that cannot be used."},
    {.name = NULL},
};

const struct endpoint endpoint_get_qemu_preflight = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/preflight",
    .text = "Shows what a start of the VM would do now: the devices that it would get, what the host would "
            "lose, and every reason why it would fail. Nothing is changed.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties = PROPERTIES(
                {.name = "startable", .type = SCHEMA_BOOLEAN, .text = "1: no check found an error."},
                {.name = "summary", .type = SCHEMA_STRING, .text = "What would happen, or why not."},
                {.name = "devices",
                 .type = SCHEMA_ARRAY,
                 .items = ITEMS(.type = SCHEMA_OBJECT, .properties = device_properties)},
                {.name = "checks",
                 .type = SCHEMA_ARRAY,
                 .items = ITEMS(.type = SCHEMA_OBJECT, .properties = check_properties),
                 .text = "What the checks found, the worst first; docs/checks.md lists all checks."}),
        },
    .may_block = true,
    .on_node = true,
    .run = get_preflight,
};
