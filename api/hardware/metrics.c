/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics of PCI functions: who has them, and what they are divided into. */
#include "api/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/pci/class.h"
#include "hardware/pci/sriov.h"
#include "hardware/slice/mdev.h"
#include "passthrough/assign/availability.h"

/* What several metrics look at. */
struct view {
    const struct service *service;
    const struct availability *availability;
    const json_t *given;
};

static const char *name_state(const struct view *view, const struct pci_device *device, const char *id)
{
    if (json_object_get(view->availability->reserved, id) != NULL)
        return "given";
    return device->driver[0] == '\0' ? "unbound" : driver_is_vfio(device->driver) ? "vfio" : "host";
}

static void add_states(const struct view *view, struct text *ret)
{
    static const char *const states[] = {"host", "vfio", "unbound", "given"};
    const struct inventory *inventory = view->availability->inventory;
    unsigned counts[COUNT_OF(states)] = {0};
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < inventory->count; i++) {
        pci_address_format(inventory->devices[i].address, id);
        const char *state = name_state(view, &inventory->devices[i], id);
        for (size_t s = 0; s < COUNT_OF(states); s++)
            counts[s] += strcmp(states[s], state) == 0;
    }
    metric_begin(
        ret, "hostpci_devices", "gauge",
        "PCI functions: with a driver of the host, with a VFIO driver, with none, and given to VMs.");
    for (size_t s = 0; s < COUNT_OF(states); s++)
        METRIC_ADD(ret, "hostpci_devices", counts[s], "state", states[s]);
}

/* As NVIDIA's tools write it, and so the exporters of GPUs: 00000000:01:00.0 */
struct bus_id {
    char text[32];
};

static struct bus_id bus_id(struct pci_address address)
{
    struct bus_id id;

    snprintf(id.text, sizeof(id.text), "%08X:%02X:%02X.%X", (unsigned)address.domain, (unsigned)address.bus,
             (unsigned)address.device, (unsigned)address.function);
    return id;
}

static const char *vmid_text(const json_t *row, char ret[static 32])
{
    long long vmid = json_integer_value(json_object_get(row, "vmid"));

    snprintf(ret, 32, "%lld", vmid);
    return vmid > 0 ? ret : NULL;
}

static void add_info(const struct view *view, const struct pci_device *device, struct text *ret)
{
    char id[PCI_ADDRESS_SIZE], group[16], vendor[8], product[8], class[8], vmid[32];

    pci_address_format(device->address, id);
    const json_t *given = json_object_get(view->given, id);
    snprintf(vendor, sizeof(vendor), "%04x", device->vendor);
    snprintf(product, sizeof(product), "%04x", device->device);
    snprintf(class, sizeof(class), "%06x", device->class_code & 0xffffffU);
    snprintf(group, sizeof(group), "%d", device->group);
    METRIC_ADD(ret, "hostpci_device_info", 1, "pci_bus_id", bus_id(device->address).text, "address", id,
               "vendor", vendor, "device", product, "class", class, "driver", device->driver, "iommu_group",
               device->group >= 0 ? group : NULL, "vmid",
               vmid_text(json_object_get(view->availability->reserved, id), vmid), "guest_address",
               json_text(given, "guest"), "mapping", json_text(given, "mapping"));
}

static void add_infos(const struct view *view, struct text *ret)
{
    const struct inventory *inventory = view->availability->inventory;

    metric_begin(ret, "hostpci_device_info", "gauge",
                 "1 for each PCI function but bridges; pci_bus_id is as the exporters of GPUs have it.");
    for (size_t i = 0; i < inventory->count; i++)
        if (!pci_is_bridge(&inventory->devices[i]))
            add_info(view, &inventory->devices[i], ret);
}

/* The counts of all physical functions, each with its address. */
static void add_functions(const struct view *view, struct text *ret)
{
    const struct inventory *inventory = view->availability->inventory;
    autotext struct text possible = {0};
    struct error none;
    struct sriov sriov;
    char id[PCI_ADDRESS_SIZE];

    metric_begin(ret, "hostpci_virtual_functions", "gauge",
                 "Virtual functions that a physical function has.");
    metric_begin(&possible, "hostpci_virtual_functions_possible", "gauge",
                 "Virtual functions that a physical function can have.");
    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *device = &inventory->devices[i];
        if (device->virtual_function || pci_is_bridge(device) ||
            sriov_read(view->service->sysroot, device->address, &sriov, &none) != 0 || sriov.total == 0)
            continue;
        pci_address_format(device->address, id);
        struct bus_id bus = bus_id(device->address);
        METRIC_ADD(ret, "hostpci_virtual_functions", (double)sriov_count(inventory, device->address),
                   "pci_bus_id", bus.text, "address", id);
        METRIC_ADD(&possible, "hostpci_virtual_functions_possible", sriov.total, "pci_bus_id", bus.text,
                   "address", id);
    }
    text_append(ret, text_string(&possible));
}

static unsigned count_instances(const json_t *instances, const char *parent, const char *type)
{
    const json_t *instance;
    unsigned count = 0;
    size_t i;

    json_array_foreach(instances, i, instance) {
        count += strcmp(json_text(instance, "parent"), parent) == 0 &&
                 strcmp(json_text(instance, "type"), type) == 0;
    }
    return count;
}

static void add_types(const struct view *view, const struct pci_device *device, struct text *used,
                      struct text *available)
{
    autojson json_t *types = NULL;
    const json_t *type;
    struct error none;
    char id[PCI_ADDRESS_SIZE];
    size_t i;

    if (mdev_list_types(view->service->sysroot, device->address, &types, &none) != 0)
        return;
    pci_address_format(device->address, id);
    json_array_foreach(types, i, type) {
        const char *name = json_text(type, "type");
        METRIC_ADD(used, "hostpci_mdev_instances", count_instances(view->availability->instances, id, name),
                   "address", id, "type", name);
        METRIC_ADD(available, "hostpci_mdev_instances_available",
                   (double)json_integer_value(json_object_get(type, "available")), "address", id, "type",
                   name);
    }
}

static void add_mdev_infos(const struct view *view, struct text *ret)
{
    const json_t *instance;
    char vmid[32];
    size_t i;

    metric_begin(ret, "hostpci_mdev_info", "gauge", "1 for each mediated device.");
    json_array_foreach(view->availability->instances, i, instance) {
        const char *uuid = json_text(instance, "uuid"), *parent = json_text(instance, "parent");
        struct pci_address address;
        if (uuid[0] == '\0' || !pci_address_parse(parent, &address))
            continue;
        const json_t *given = json_object_get(view->given, uuid);
        METRIC_ADD(ret, "hostpci_mdev_info", 1, "mdev", uuid, "pci_bus_id", bus_id(address).text, "address",
                   parent, "type", json_text(instance, "type"), "vmid",
                   vmid_text(json_object_get(view->availability->reserved, uuid), vmid), "guest_address",
                   json_text(given, "guest"), "mapping", json_text(given, "mapping"));
    }
}

static void add_mdevs(const struct view *view, struct text *ret)
{
    const struct inventory *inventory = view->availability->inventory;
    autotext struct text available = {0};

    metric_begin(ret, "hostpci_mdev_instances", "gauge", "Mediated devices of a type that a function has.");
    metric_begin(
        &available, "hostpci_mdev_instances_available", "gauge",
        "Mediated devices of a type that could be made now; the types of a function share what it has.");
    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->devices[i].mdev)
            add_types(view, &inventory->devices[i], ret, &available);
    text_append(ret, text_string(&available));
    add_mdev_infos(view, ret);
}

int metrics_add_devices(const struct service *service, const json_t *given, struct text *ret,
                        struct error *err)
{
    const struct reservations reservations = {service->storage, service->sysroot};
    autoavailability struct availability availability = {0};

    if (availability_read(&reservations, service->inventory, &availability, err) != 0)
        return -1;
    const struct view view = {service, &availability, given};
    add_states(&view, ret);
    add_infos(&view, ret);
    add_functions(&view, ret);
    add_mdevs(&view, ret);
    return 0;
}
