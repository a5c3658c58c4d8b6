/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/devices: which device of the guest is which device of the host. */
#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "passthrough/guest.h"
#include "passthrough/vm_document.h"

int qemu_list_devices(const struct service *service, long long vmid, json_t **ret, struct error *err)
{
    struct guest guest = {.host = {.storage = service->storage,
                                   .sysroot = service->sysroot,
                                   .node = service->node,
                                   .paths = &service->paths},
                          .inventory = service->inventory,
                          .broker = service->broker,
                          .vmid = vmid};
    autofree char *id = xasprintf("%lld", guest.vmid);
    autojson json_t *document = NULL, *running = NULL, *config = NULL;
    struct error unknown;

    if (vm_document_read(service->storage, service->node, guest.vmid, &document, NULL, err) != 0 ||
        qemu_list_running(service, &running, err) != 0)
        return -1;
    guest.running = json_object_get(running, id) != NULL;
    config = vm_config_view(document, guest.running);
    guest.config = config;
    if (qemu_features(service->qemu, &guest.host.qemu, &unknown) != 0)
        guest.host.qemu = NULL;
    return guest_list_devices(&guest, ret, err);
}

static int list_devices(struct request *request, json_t **ret, struct error *err)
{
    return qemu_list_devices(request->service, param_integer(request, "vmid"), ret, err);
}

static const struct schema function_properties[] = {
    {.name = "host",
     .type = SCHEMA_STRING,
     .format = "pci-id",
     .text = "The host's function, or the parent of the mediated device."},
    OPTIONAL_TEXT("guest", "Its PCI address in the guest; left out if it is not known."),
    OPTIONAL_TEXT("ids", "VENDOR:DEVICE as the guest reads them."),
    OPTIONAL_TEXT("subsystem-ids", "The same of the subsystem."),
    OPTIONAL_TEXT("mdev", "UUID of the mediated device."),
    {.name = "link",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = device_link_properties,
     .text = "PCI Express link of the host's function."},
    {.name = NULL},
};

const struct endpoint endpoint_list_qemu_devices = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/devices",
    .text = "Shows which device in the guest is which device of the host. For a stopped VM it shows what a "
            "start would choose now, and where the guest would find it.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "No device of the host is given to the VM.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "key", .type = SCHEMA_STRING, .text = "hostpci0 to hostpci15."},
                              {.name = "functions",
                               .type = SCHEMA_ARRAY,
                               .items = ITEMS(.type = SCHEMA_OBJECT, .properties = function_properties),
                               .text = "Function 0 of the guest's device first."},
                              {.name = "rom",
                               .type = SCHEMA_STRING,
                               .text = "The ROM that the guest sees: own, none, or the name of a romfile."},
                              OPTIONAL_TEXT("mapping", "The resource mapping from which it is chosen."),
                              OPTIONAL_TEXT("reason", "Why a function or its address is not known.")))},
    .may_block = true,
    .on_node = true,
    .run = list_devices,
};
