/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware: its index, one device, IOMMU groups and mediated devices. */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "hardware/device.h"
#include "hardware/iommu.h"
#include "hardware/mdev.h"
#include "passthrough/mapping.h"
#include "storage/index.h"

const struct endpoint endpoint_get_hardware = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware",
    .text = "Lists the kinds of hardware.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "type",
};

#define PARAMETER_PCI_ID_OR_MAPPING                                                                          \
    {                                                                                                        \
        .name = "pci-id-or-mapping", .type = SCHEMA_STRING, .format = "pci-id-or-mapping",                   \
        .text = "PCI id of the device, or the name of a mapping."                                            \
    }

const struct endpoint endpoint_get_pci = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}",
    .text = "Lists what can be asked about a device.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID_OR_MAPPING),
    .index_key = "method",
};

/* Of a mapping: the types that its devices on this node offer, each once. */
static int list_mapping_types(struct request *request, const char *mapping, json_t **ret, struct error *err)
{
    autojson json_t *paths = NULL, *all = json_array(), *seen = json_object();
    size_t i, j;
    json_t *path, *type;

    if (mapping_list_paths(request->service->storage, mapping, request->service->node, &paths, err) != 0)
        return -1;
    json_array_foreach(paths, i, path) {
        autojson json_t *types = NULL;
        struct pci_address address;
        if (!pci_address_parse(json_string_value(path), &address))
            continue;
        if (mdev_list_types(request->service->sysroot, address, &types, err) != 0)
            return -1;
        json_array_foreach(types, j, type) {
            const char *name = json_string_value(json_object_get(type, "type"));
            if (json_object_get(seen, name) != NULL)
                continue;
            json_object_set_new(seen, name, json_true());
            json_array_append(all, type);
        }
    }
    *ret = TAKE(all);
    return 0;
}

static int list_mdev_types(struct request *request, json_t **ret, struct error *err)
{
    const char *id = param_string(request, "pci-id-or-mapping");
    struct pci_address address;

    if (pci_address_parse(id, &address))
        return mdev_list_types(request->service->sysroot, address, ret, err);
    return list_mapping_types(request, id, ret, err);
}

const struct endpoint endpoint_list_mdev_types = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev",
    .text = "Lists the types of mediated devices that a device, or the devices of a mapping, can create.",
    .permission = ALLOW_ANY_PRIVILEGE("/", "Sys.Audit", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID_OR_MAPPING),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "type", .type = SCHEMA_STRING, .text = "As in hostpciN's mdev."},
                                   {.name = "name", .type = SCHEMA_STRING, .optional = true},
                                   {.name = "available",
                                    .type = SCHEMA_INTEGER,
                                    .text = "How many more can be created."},
                                   {.name = "description", .type = SCHEMA_STRING}))},
    .may_block = true,
    .on_node = true,
    .run = list_mdev_types,
};

static int get_pci_status(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *status = NULL, *mappings = NULL;
    struct service *service = request->service;
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];

    if (!pci_address_parse(param_string(request, "pci-id-or-mapping"), &address))
        return error_set_field(err, "pci-id-or-mapping", "value is not a PCI id such as 0000:01:00.0");
    pci_address_format(address, id);
    if (inventory_source_get(service->inventory, &inventory, err) != 0 ||
        device_describe(service->sysroot, inventory, service->names, address, &status, err) != 0 ||
        index_mappings_of_device(service->storage, service->node, id, &mappings, err) != 0)
        return -1;
    json_object_set(status, "mappings", mappings);
    *ret = TAKE(status);
    return 0;
}

#define TEXT(key, about)                                                                                     \
    {                                                                                                        \
        .name = (key), .type = SCHEMA_STRING, .optional = true, .text = (about)                              \
    }
#define NUMBER(key, about)                                                                                   \
    {                                                                                                        \
        .name = (key), .type = SCHEMA_INTEGER, .optional = true, .text = (about)                             \
    }
#define FLAG(key, about)                                                                                     \
    {                                                                                                        \
        .name = (key), .type = SCHEMA_BOOLEAN, .optional = true, .text = (about)                             \
    }
#define WORDS(key, about)                                                                                    \
    {                                                                                                        \
        .name = (key), .type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_STRING), .text = (about)          \
    }

static const struct schema link_properties[] = {
    TEXT("speed", "Now, such as 8.0 GT/s PCIe."),
    NUMBER("width", "Lanes now."),
    TEXT("max-speed", "What the device could do."),
    NUMBER("max-width", "Lanes that the device has."),
    {.name = NULL},
};

static const struct schema resource_properties[] = {
    TEXT("name", "bar0 to bar5, rom, iov0 to iov5."),
    TEXT("start", "Bus address in hexadecimal."),
    NUMBER("size", "Bytes."),
    TEXT("type", "io, mem32 or mem64."),
    FLAG("prefetchable", "Present if reading has no side effect."),
    {.name = NULL},
};

static const struct schema sriov_properties[] = {
    NUMBER("totalvfs", "Virtual functions it can have."),
    NUMBER("numvfs", "Virtual functions it has."),
    NUMBER("offset", "Routing id of the first one, relative to this function."),
    NUMBER("stride", "Distance of their routing ids."),
    TEXT("vf-device", "Device id of the virtual functions."),
    FLAG("drivers-autoprobe", "Whether the kernel looks for drivers for them."),
    {.name = NULL},
};

const struct endpoint endpoint_get_pci_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/status",
    .text = "Everything that the host tells of one device. What it does not tell is left out.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties = PROPERTIES(
                {.name = "id", .type = SCHEMA_STRING, .format = "pci-id"}, TEXT("class", "As in the list."),
                TEXT("vendor", "Vendor id."), TEXT("device", "Device id."),
                TEXT("subsystem_vendor", "0x0000: none."), TEXT("subsystem_device", "0x0000: none."),
                TEXT("vendor_name", NULL), TEXT("device_name", NULL), TEXT("subsystem_vendor_name", NULL),
                TEXT("subsystem_device_name", NULL), TEXT("revision", "Revision id."),
                NUMBER("iommugroup", "IOMMU group, -1 if it is in none."),
                WORDS("peers", "The other devices of its IOMMU group."),
                TEXT("driver", "The driver that is bound."),
                WORDS("modules", "Kernel modules that could drive it."),
                TEXT("driver-override", "The only driver that the kernel may bind."),
                NUMBER("numa-node", "NUMA node it is attached to."),
                FLAG("boot-vga", "Of a display: whether the firmware used it at boot."),
                {.name = "link", .type = SCHEMA_OBJECT, .optional = true, .properties = link_properties},
                TEXT("power-state", "D0 (on) to D3cold (off)."),
                WORDS("reset-methods", "How the kernel would reset it, in order."),
                {.name = "resources",
                 .type = SCHEMA_ARRAY,
                 .items = ITEMS(.type = SCHEMA_OBJECT, .properties = resource_properties)},
                {.name = "rom",
                 .type = SCHEMA_OBJECT,
                 .optional = true,
                 .properties = PROPERTIES(NUMBER("size", "Bytes that the ROM's window has."))},
                TEXT("slot", "Name of the physical slot."),
                {.name = "sriov", .type = SCHEMA_OBJECT, .optional = true, .properties = sriov_properties},
                TEXT("physfn", "Of a virtual function: the physical one it belongs to."),
                {.name = "virtfns",
                 .type = SCHEMA_OBJECT,
                 .optional = true,
                 .open = true,
                 .text = "Of a physical function: {virtfn0: PCI id, ...}."},
                FLAG("mdev", "Present if it can create mediated devices."),
                FLAG("nvidia", "Present if that is by NVIDIA's own interface."),
                WORDS("mappings", "Resource mappings that name it on this node.")),
        },
    .may_block = true,
    .on_node = true,
    .run = get_pci_status,
};

static int list_iommu_groups(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    return iommu_list_groups(request->service->sysroot, inventory, ret, err);
}

static const struct schema reserved_properties[] = {
    TEXT("start", "First address."),
    TEXT("end", "Last address."),
    TEXT("type", "direct, direct-relaxable, reserved, msi."),
    {.name = NULL},
};

const struct endpoint endpoint_list_iommu_groups = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/iommu/groups",
    .text = "Lists the IOMMU groups: devices of one group can only be passed through together.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "group", .type = SCHEMA_INTEGER},
                                   TEXT("type", "DMA, DMA-FQ, identity and so on: how the host uses it."),
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

static int list_mdev(struct request *request, json_t **ret, struct error *err)
{
    return mdev_list_instances(request->service->sysroot, ret, err);
}

const struct endpoint endpoint_list_mdev = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/mdev",
    .text = "Lists the mediated devices that there are.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "uuid", .type = SCHEMA_STRING},
                                                        TEXT("parent", "PCI id of the device that made it."),
                                                        TEXT("type", "Its type.")))},
    .may_block = true,
    .on_node = true,
    .run = list_mdev,
};
