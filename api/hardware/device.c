/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/status: everything about one device, and whether it can be passed through.
 */
#include <string.h>

#include "api/checks.h"
#include "api/endpoints.h"
#include "api/hardware/state.h"
#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"
#include "passthrough/assign/reservation.h"
#include "storage/index.h"

/* Describes the device as this process sees it. If a task works on the device (`busy`), files that the
 * kernel might not answer for are not read. */
static int describe_here(const struct service *service, const struct inventory *inventory,
                         struct pci_address address, bool busy, json_t **ret, struct error *err)
{
    autohostuses struct host_uses *uses = NULL;
    autojson json_t *status = NULL, *readiness = NULL;

    if ((busy ? device_describe_held : device_describe)(service->sysroot, inventory, service->names, address,
                                                        &status, err) != 0 ||
        host_uses_scan(service->sysroot, inventory, &uses, err) != 0 ||
        (busy ? readiness_describe_held(service->sysroot, inventory, uses, address, &readiness, err)
              : readiness_describe_device(service->sysroot, inventory, uses, address, NULL, &readiness,
                                          err)) != 0)
        return -1;
    json_object_update(status, readiness);
    *ret = TAKE(status);
    return 0;
}

/* The broker sees as root which processes have the device open; and if the device does not answer, the
 * broker's worker waits for it, not this thread. */
static int describe_by_broker(const struct service *service, const struct pci_device *device, json_t **ret,
                              struct error *err)
{
    autojson json_t *reply = NULL;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    if (broker_call(service->broker, "describe", NULL, json_pack("{s:s}", "id", id), NULL, NULL, &reply,
                    err) != 0)
        return -1;
    *ret = device_summarize(device, service->names);
    json_object_update(*ret, json_object_get(reply, "device"));
    json_object_update(*ret, json_object_get(reply, "readiness"));
    return 0;
}

static int describe(const struct service *service, const struct inventory *inventory,
                    struct pci_address address, json_t **ret, struct error *err)
{
    const struct pci_device *device = inventory_find(inventory, address);
    autojson json_t *status = NULL, *state = device != NULL ? hardware_state(service->broker, device) : NULL;

    if (state == NULL)
        return describe_here(service, inventory, address, false, ret, err);
    bool busy = json_object_get(state, "task") != NULL;
    if ((busy || describe_by_broker(service, device, &status, err) != 0) &&
        describe_here(service, inventory, address, true, &status, err) != 0)
        return -1;
    json_object_set(status, "state", state);
    *ret = TAKE(status);
    return 0;
}

/* The VM that has the device or a mediated device of it, else the first VM whose configuration names it;
 * *ret stays NULL if there is neither. */
static int find_user(const struct service *service, const char *id, json_t **ret, struct error *err)
{
    const struct reservations reservations = {service->storage, service->sysroot};
    autojson json_t *reserved = NULL, *vms = NULL;
    const json_t *reservation, *holder = NULL;
    const char *device;

    if (reservations_list(&reservations, &reserved, err) != 0 ||
        index_vms_of_device(service->storage, service->node, id, &vms, err) != 0)
        return -1;
    json_object_foreach(reserved, device, reservation)
        if (strcmp(device, id) == 0 || (holder == NULL && strcmp(json_text(reservation, "parent"), id) == 0))
            holder = reservation;
    if (holder != NULL) {
        *ret = json_pack("{s:O, s:O, s:O}", "vmid", json_object_get(holder, "vmid"), "key",
                         json_object_get(holder, "key"), "state", json_object_get(holder, "state"));
    } else if (json_array_size(vms) > 0) {
        *ret = json_incref(json_array_get(vms, 0));
        json_object_set_new(*ret, "state", json_string("configured"));
    }
    return 0;
}

static int get_pci_status(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *status = NULL, *mappings = NULL, *user = NULL;
    struct service *service = request->service;
    struct pci_address address = param_pci_address(request);
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (inventory_source_get(service->inventory, &inventory, err) != 0 ||
        describe(service, inventory, address, &status, err) != 0 ||
        index_mappings_of_device(service->storage, service->node, id, &mappings, err) != 0 ||
        find_user(service, id, &user, err) != 0)
        return -1;
    json_object_set(status, "mappings", mappings);
    if (user != NULL)
        json_object_set(status, "used-by", user);
    checks_name_node(status, service->node);
    *ret = TAKE(status);
    return 0;
}

const struct schema device_link_properties[] = {
    OPTIONAL_TEXT("speed", "Current speed, such as 8.0 GT/s PCIe."),
    OPTIONAL_NUMBER("width", "Lanes in use."),
    OPTIONAL_TEXT("max-speed", "Highest speed of the device."),
    OPTIONAL_NUMBER("max-width", "Lanes that the device has."),
    {.name = NULL},
};

#define SHADOW_TEXT "Present if it is not the ROM itself, but a copy that the firmware left in main memory."

static const struct schema resource_properties[] = {
    OPTIONAL_TEXT("name", "bar0 to bar5, rom, or iov0 to iov5."),
    OPTIONAL_TEXT("start", "First address, in hexadecimal."),
    OPTIONAL_NUMBER("size", "Size in bytes."),
    OPTIONAL_TEXT("type", "io, mem32 or mem64."),
    OPTIONAL_FLAG("prefetchable", "Present if reading from it has no side effects."),
    OPTIONAL_FLAG("shadow", SHADOW_TEXT),
    {.name = NULL},
};

static const struct schema sriov_properties[] = {
    OPTIONAL_NUMBER("totalvfs", "Number of virtual functions that it can have."),
    OPTIONAL_NUMBER("numvfs", "Number of virtual functions that it has."),
    OPTIONAL_NUMBER("offset", "Routing id of the first virtual function, relative to this function."),
    OPTIONAL_NUMBER("stride", "Distance between the routing ids of virtual functions."),
    OPTIONAL_TEXT("vf-device", "Device id of the virtual functions."),
    OPTIONAL_FLAG("drivers-autoprobe", "Whether the kernel binds drivers to new virtual functions."),
    OPTIONAL_NUMBER("vf-total-msix",
                    "MSI-X interrupts that can be distributed among the virtual functions, if "
                    "the driver lets them be distributed."),
    {.name = NULL},
};

static const struct schema error_properties[] = {
    {.name = "severity",
     .type = SCHEMA_STRING,
     .values = VALUES("fatal", "nonfatal", "correctable"),
     .text = "fatal: the link is no longer reliable; nonfatal: a transaction was lost; correctable: the "
             "hardware has recovered by itself."},
    {.name = "name",
     .type = SCHEMA_STRING,
     .text = "The kernel's name for the error, such as RxErr or BadTLP."},
    {.name = "count", .type = SCHEMA_INTEGER, .text = "How often it has happened."},
    {.name = NULL},
};

static const struct schema vfio_properties[] = {
    {.name = "name", .type = SCHEMA_STRING, .text = "The kernel's name for it: vfioN."},
    OPTIONAL_TEXT("cdev", "The file in /dev through which a program with IOMMUFD opens it; left out if this "
                          "kernel offers it only through its group."),
    {.name = NULL},
};

static const struct schema detach_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .format = "pci-id"},
    {.name = "driver", .type = SCHEMA_STRING, .text = "The driver that it would be unbound from."},
    {.name = NULL},
};

static const struct schema use_properties[] = {
    {.name = "id", .type = SCHEMA_STRING, .format = "pci-id", .text = "The function that the host uses."},
    {.name = "kind",
     .type = SCHEMA_STRING,
     .text = "block, network, display, usb, sriov, sound, vfio and so on."},
    {.name = "name",
     .type = SCHEMA_STRING,
     .text = "The host's name for what it uses, such as nvme0n1, eth0 or card0."},
    {.name = "weight",
     .type = SCHEMA_STRING,
     .values = VALUES("idle", "active", "critical"),
     .text = "idle: not in use now; active: in use; critical: the root file system needs it."},
    {.name = "message", .type = SCHEMA_STRING, .text = "What the host uses it for."},
    OPTIONAL_TEXT("evidence", "The file that shows it, and what the file held."),
    {.name = NULL},
};

static const struct schema owner_properties[] = {
    {.name = "owner",
     .type = SCHEMA_STRING,
     .values = VALUES("sysfsutils", "driverctl", "mdevctl", "udev", "systemd", "networkmanager", "netplan",
                      "modprobe", "script")},
    {.name = "what",
     .type = SCHEMA_STRING,
     .values = VALUES("driver", "vfs", "mdev"),
     .text = "driver: its driver; vfs: its number of virtual functions; mdev: a mediated device, or that it "
             "is a vGPU. What hostpci keeps of mediated devices is in mdevctl's files, too."},
    {.name = "file", .type = SCHEMA_STRING},
    {.name = "line", .type = SCHEMA_INTEGER, .text = "0: the whole file."},
    {.name = "text", .type = SCHEMA_STRING, .text = "The text of that line; of mdevctl the type."},
    {.name = NULL},
};

static const struct schema user_properties[] = {
    {.name = "vmid", .type = SCHEMA_INTEGER, .text = "Id of the VM."},
    {.name = "key", .type = SCHEMA_STRING, .text = "Key of the VM's configuration: hostpciN."},
    {.name = "state",
     .type = SCHEMA_STRING,
     .values = VALUES("starting", "running", "configured"),
     .text = "configured: the VM does not have the device now."},
    {.name = NULL},
};

const struct endpoint endpoint_get_pci_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/status",
    .text = "Shows everything about one device: whether it can be passed through, and if not, why and "
            "what to do; what the host uses it for; and what the kernel says about it. Values that the host "
            "does not provide are left out. While a task works on the device, values that the kernel "
            "might be slow to provide are left out, too.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID),
    .returns =
        {
            .type = SCHEMA_OBJECT,
            .properties =
                PROPERTIES(
                    {.name = "id", .type = SCHEMA_STRING, .format = "pci-id"},
                    OPTIONAL_TEXT("class", "Class, subclass and programming interface."),
                    OPTIONAL_TEXT("vendor", "Vendor id."), OPTIONAL_TEXT("device", "Device id."),
                    OPTIONAL_TEXT("subsystem_vendor", "Subsystem's vendor id; 0x0000: none."),
                    OPTIONAL_TEXT("subsystem_device", "Subsystem's device id; 0x0000: none."),
                    OPTIONAL_TEXT("vendor_name", NULL), OPTIONAL_TEXT("device_name", NULL),
                    OPTIONAL_TEXT("subsystem_vendor_name", NULL),
                    OPTIONAL_TEXT("subsystem_device_name", NULL), OPTIONAL_TEXT("revision", "Revision id."),
                    OPTIONAL_NUMBER("iommugroup", "IOMMU group; -1 if the device is in none."),
                    WORDS("peers", "The other devices of its IOMMU group."),
                    OPTIONAL_TEXT("driver", "The bound driver."),
                    WORDS("modules", "Kernel modules that could drive it."),
                    WORDS("vfio-drivers",
                          "VFIO drivers for it, the best first; driver=vfio tries them in this order."),
                    OPTIONAL_TEXT("driver-override",
                                  "Driver override: the only driver that the kernel may bind."),
                    OPTIONAL_NUMBER("numa-node", "NUMA node that it is attached to."),
                    OPTIONAL_FLAG("boot-vga", "Whether the firmware used this display at boot."),
                    {.name = "link",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = device_link_properties},
                    OPTIONAL_TEXT("power-state", "From D0 (on) to D3cold (off)."),
                    OPTIONAL_FLAG("d3cold-allowed", "Whether it may be put into D3cold, without any power."),
                    WORDS("reset-methods", "Ways to reset it, in the order in which the kernel tries them."),
                    {.name = "resources",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = resource_properties)},
                    {.name = "rom",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = PROPERTIES(OPTIONAL_NUMBER("size", "Size of the ROM's window in bytes."),
                                              OPTIONAL_FLAG("shadow", SHADOW_TEXT))},
                    OPTIONAL_TEXT("slot", "Name of the physical slot."),
                    OPTIONAL_TEXT("serial-number", "Serial number of the hardware. Only root may read it, "
                                                   "and only newer kernels provide it."),
                    OPTIONAL_FLAG("reset-subordinate", "Present on a bridge whose devices below it the "
                                                       "kernel can reset together."),
                    {.name = "errors",
                     .type = SCHEMA_ARRAY,
                     .optional = true,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = error_properties),
                     .text = "PCI Express errors that have happened since the device appeared, the worst "
                             "severity first; left out if the kernel does not count them."},
                    {.name = "vfio-dev",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = vfio_properties,
                     .text = "The VFIO device, while a VFIO driver is bound and if the kernel names it."},
                    {.name = "sriov",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = sriov_properties},
                    OPTIONAL_TEXT("physfn", "Physical function that a virtual function belongs to."),
                    {.name = "virtfns",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .open = true,
                     .text = "Virtual functions of a physical function: {virtfn0: PCI id, ...}."},
                    OPTIONAL_FLAG("mdev", "Present if the device can create mediated devices."),
                    OPTIONAL_FLAG("nvidia", "Present if it creates them through NVIDIA's own interface."),
                    {.name = "verdict",
                     .type = SCHEMA_STRING,
                     .values = VALUES("ready", "possible", "blocked"),
                     .text = "ready: can be passed through; possible: functions must be detached from "
                             "their drivers first; blocked: cannot be passed through, see checks."},
                    {.name = "summary",
                     .type = SCHEMA_STRING,
                     .text = "What passing it through takes, or why it is impossible."},
                    {.name = "detaches",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = detach_properties),
                     .text = "Functions that would be detached from their drivers."},
                    {.name = "checks",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = check_properties),
                     .text = "Results of the checks, the worst first."},
                    {.name = "host-use",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = use_properties),
                     .text = "Host uses of the device and of the functions that would be detached with "
                             "it."},
                    {.name = "state",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = hardware_state_properties,
                     .text = "What the broker has done to it and is doing; left out if no broker answers."},
                    {.name = "used-by",
                     .type = SCHEMA_OBJECT,
                     .optional = true,
                     .properties = user_properties,
                     .text = "The VM that has it, else the first VM whose configuration names it."},
                    WORDS("mappings", "Resource mappings that name it on this node."),
                    {.name = "owners",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = owner_properties),
                     .text = "Who else sets its driver or its number of virtual functions at boot."}),
        },
    .may_block = true,
    .on_node = true,
    .run = get_pci_status,
};
