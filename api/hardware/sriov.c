/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/sriov: dividing a physical function into virtual ones. */
#include "hardware/pci/sriov.h"

#include <string.h>

#include "api/endpoints.h"
#include "api/hardware/state.h"
#include "api/hardware/task.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/operations.h"
#include "hardware/slice/vf_link.h"
#include "passthrough/assign/availability.h"

static void add_link_settings(const struct sysroot *sysroot, const struct vf_interface *interface,
                              const json_t *vfs)
{
    autojson json_t *list = NULL;
    struct error ignored;
    size_t i;
    json_t *settings;

    if (vf_link_read(sysroot, interface, &list, &ignored) != 0)
        return;
    json_array_foreach(list, i, settings)
        json_object_set(json_array_get(vfs, i), "settings", settings);
}

/* Only root may ask a drive. */
static void add_shares(const struct broker *broker, const char *id, const json_t *vfs)
{
    autojson json_t *reply = NULL;
    struct error ignored;
    size_t i;
    json_t *share;

    if (broker_call_briefly(broker, operation_describe_vfs.name, NULL, json_pack("{s:s}", "id", id), &reply,
                            &ignored) != 0)
        return;
    json_array_foreach(json_object_get(reply, "vfs"), i, share)
        json_object_update(json_array_get(vfs, i), share);
}

/* Adds the settings of the virtual functions that exist, as kernel and drive have them; leaves out what is
 * not provided. */
static void add_settings(const struct service *service, const struct pci_device *device, const char *id,
                         const json_t *vfs)
{
    struct vf_interface interface = vf_interface_find(service->sysroot, device->address);

    if (interface.index != 0)
        add_link_settings(service->sysroot, &interface, vfs);
    else if (strcmp(device->driver, "nvme") == 0)
        add_shares(service->broker, id, vfs);
}

static int get_sriov(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    struct service *service = request->service;
    struct pci_address address = param_pci_address(request);
    char id[PCI_ADDRESS_SIZE], device_id[16];
    struct sriov sriov;

    pci_address_format(address, id);
    if (inventory_source_get(service->inventory, &inventory, err) != 0)
        return -1;
    const struct pci_device *device = inventory_find(inventory, address);
    if (device == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    if (sriov_read(service->sysroot, address, &sriov, err) != 0)
        return -1;
    autojson json_t *kept = hardware_read_fact(service->broker, "vfs", device);
    *ret = json_pack("{s:i, s:I, s:i, s:o}", "total", (int)sriov.total, "now",
                     (json_int_t)sriov_count(inventory, address), "autoprobe", (int)sriov.autoprobe, "vfs",
                     sriov_list(&sriov, address, inventory));
    if (sriov_count(inventory, address) > 0)
        add_settings(service, device, id, json_object_get(*ret, "vfs"));
    if (kept != NULL) {
        autofree char *waits = hardware_explain_kept(service->broker, operation_sriov.name, device);
        json_object_set(*ret, "kept", json_object_get(kept, "numvfs"));
        if (waits != NULL)
            json_object_set_new(*ret, "kept-waits", json_string(waits));
    }
    if (sriov.offset > 0)
        json_object_update_new(
            *ret, json_pack("{s:i, s:i}", "offset", (int)sriov.offset, "stride", (int)sriov.stride));
    if (sriov.device >= 0) {
        snprintf(device_id, sizeof(device_id), "0x%04x", (unsigned)sriov.device);
        json_object_set_new(*ret, "vf-device", json_string(device_id));
    }
    return 0;
}

/* "0000:3b:02.2 by VMID '101'", for each virtual function that a VM has, or a mediated device of it. */
static void list_holders(const struct availability *availability, struct pci_address physical,
                         struct text *ret)
{
    const struct inventory *inventory = availability->inventory;
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *device = &inventory->devices[i];
        if (!device->virtual_function || pci_address_compare(device->physical_function, physical) != 0)
            continue;
        pci_address_format(device->address, id);
        long long vmid = availability_find_holder(availability, id, false, 0);
        if (vmid != 0)
            text_printf(ret, "%s%s by VMID '%lld'", ret->length > 0 ? ", " : "", id, vmid);
    }
}

/* Changing the count removes all virtual functions. A reservation shows that a VM has one even before its
 * process opens it. */
static int check_unreserved(const struct service *service, struct pci_address physical, long long count,
                            struct error *err)
{
    const struct reservations reservations = {service->storage, service->sysroot};
    autoavailability struct availability availability = {.reserved = NULL};
    autotext struct text holders = {0};
    char id[PCI_ADDRESS_SIZE];

    if (availability_read(&reservations, service->inventory, &availability, err) != 0)
        return -1;
    if (count != (long long)sriov_count(availability.inventory, physical))
        list_holders(&availability, physical, &holders);
    if (holders.length == 0)
        return 0;
    pci_address_format(physical, id);
    return error_set(err, ERROR_BUSY,
                     "changing the number of virtual functions removes all that %s has, but VMs have some of "
                     "them: %s: stop these VMs first",
                     id, holders.data);
}

static int set_sriov(struct request *request, json_t **ret, struct error *err)
{
    struct pci_address address = param_pci_address(request);
    struct sriov sriov;

    if (sriov_read(request->service->sysroot, address, &sriov, err) != 0 ||
        (json_object_get(request->params, "numvfs") != NULL &&
         (sriov_check_count(&sriov, address, param_integer(request, "numvfs"), err) != 0 ||
          check_unreserved(request->service, address, param_integer(request, "numvfs"), err) != 0)))
        return -1;
    return hardware_begin_task(request, "pcisriov", &operation_sriov, ret, err);
}

static const struct schema vf_properties[] = {
    {.name = "index", .type = SCHEMA_INTEGER, .text = "virtfnN of the physical function, from 0."},
    {.name = "id",
     .type = SCHEMA_STRING,
     .optional = true,
     .format = "pci-id",
     .text = "Its PCI id, known even before it exists, so that a mapping can name it already."},
    {.name = "exists", .type = SCHEMA_BOOLEAN, .text = "Whether it exists now."},
    OPTIONAL_NUMBER("group", "IOMMU group."),
    OPTIONAL_TEXT("driver", "The bound driver."),
    {.name = "settings",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = vf_setting_keys,
     .text = "Only for network cards and NVMe drives: as it is now."},
    OPTIONAL_FLAG("online", "Only for NVMe drives: 0: its controller is offline, and no driver can use it."),
    {.name = NULL},
};

const struct endpoint endpoint_get_pci_sriov = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/sriov",
    .text = "Shows which virtual functions a device has and which it could have.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID),
    .returns =
        {.type = SCHEMA_OBJECT,
         .properties = PROPERTIES(
             {.name = "total", .type = SCHEMA_INTEGER, .text = "How many virtual functions it can have."},
             {.name = "now", .type = SCHEMA_INTEGER, .text = "How many it has now."},
             OPTIONAL_NUMBER("kept",
                             "How many it gets whenever the broker starts; left out if that is not set."),
             OPTIONAL_TEXT("kept-waits", "Why it does not have that number yet."),
             {.name = "autoprobe",
              .type = SCHEMA_BOOLEAN,
              .text = "Whether the kernel binds drivers to new ones."},
             OPTIONAL_NUMBER("offset", "Routing id of the first one, relative to this function."),
             OPTIONAL_NUMBER("stride", "Distance between their routing ids."),
             OPTIONAL_TEXT("vf-device", "Their device id."),
             {.name = "vfs",
              .type = SCHEMA_ARRAY,
              .items = ITEMS(.type = SCHEMA_OBJECT, .properties = vf_properties),
              .text = "All that it can have."})},
    .may_block = true,
    .on_node = true,
    .run = get_sriov,
};

const struct endpoint endpoint_set_pci_sriov = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/sriov",
    .text =
        "Changes a device's number of virtual functions. The task's log first says which are removed "
        "and what the host uses them for; if one is in use, or a VM has it, nothing is changed. If a step "
        "fails, the steps before it are undone.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID, {.name = NULL, .more = operation_sriov_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = set_sriov,
};
