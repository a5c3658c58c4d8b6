/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SR-IOV: the virtual functions that a physical function can have and has. */
#include "hardware/pci/sriov.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

#define MOST_FUNCTIONS 65535 /* 16 bits in the SR-IOV capability */

static const struct {
    const char *file, *key;
} numbers[] = {
    {"sriov_totalvfs", "totalvfs"},
    {"sriov_numvfs", "numvfs"},
    {"sriov_offset", "offset"},
    {"sriov_stride", "stride"},
    {"sriov_drivers_autoprobe", "drivers-autoprobe"},
};

/* The file holds the id in hexadecimal without 0x. */
static void add_device_id(int folder, json_t *sriov)
{
    char text[16];
    unsigned long long id;

    if (sysfs_read(folder, "sriov_vf_device", text, sizeof(text)) < 0 ||
        !text_to_number(text, 16, 0xffff, &id))
        return;
    snprintf(text, sizeof(text), "0x%04llx", id);
    json_object_set_new(sriov, "vf-device", json_string(text));
}

static json_t *list_functions(int folder, json_int_t count)
{
    json_t *functions = json_object();
    char name[32], id[PCI_ADDRESS_SIZE];
    struct pci_address address;

    for (json_int_t i = 0; i < count && i < MOST_FUNCTIONS; i++) {
        snprintf(name, sizeof(name), "virtfn%lld", (long long)i);
        if (sysfs_read_link_name(folder, name, id, sizeof(id)) >= 0 && pci_address_parse(id, &address))
            json_object_set_new(functions, name, json_string(id));
    }
    return functions;
}

void sriov_describe(int folder, json_t *object)
{
    autojson json_t *sriov = json_object(), *functions = NULL;
    long long number;

    if (sysfs_read_number(folder, "sriov_totalvfs", &number) < 0)
        return;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (sysfs_read_number(folder, numbers[i].file, &number) >= 0 && number >= 0)
            json_object_set_new(sriov, numbers[i].key, json_integer(number));
    if (sysfs_read_number(folder, "sriov_vf_total_msix", &number) >= 0 &&
        number > 0) /* 0: fixed by the driver */
        json_object_set_new(sriov, "vf-total-msix", json_integer(number));
    add_device_id(folder, sriov);
    json_object_set(object, "sriov", sriov);
    functions = list_functions(folder, json_integer_value(json_object_get(sriov, "numvfs")));
    if (json_object_size(functions) > 0)
        json_object_set(object, "virtfns", functions);
}

int sriov_read(const struct sysroot *sysroot, struct pci_address address, struct sriov *ret,
               struct error *err)
{
    autoclose int folder = pci_open_folder(sysroot, address);
    char id[PCI_ADDRESS_SIZE], text[16];
    long long total, offset = 0, stride = 0, autoprobe = 1;
    unsigned long long device;

    pci_address_format(address, id);
    if (folder < 0)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    if (sysfs_read_number(folder, "sriov_totalvfs", &total) < 0 || total <= 0 || total > MOST_FUNCTIONS)
        return error_set(err, ERROR_FAILED,
                         "%s can have no virtual functions: either the device has no SR-IOV, or it is "
                         "switched off in the firmware setup (BIOS/UEFI) or in the card's own settings",
                         id);
    sysfs_read_number(folder, "sriov_offset", &offset);
    sysfs_read_number(folder, "sriov_stride", &stride);
    sysfs_read_number(folder, "sriov_drivers_autoprobe", &autoprobe);
    bool known = sysfs_read(folder, "sriov_vf_device", text, sizeof(text)) >= 0 &&
                 text_to_number(text, 16, 0xffff, &device);
    *ret = (struct sriov){.total = (unsigned)total,
                          .offset = offset > 0 && offset <= MOST_FUNCTIONS ? (unsigned)offset : 0,
                          .stride = stride > 0 && stride <= MOST_FUNCTIONS ? (unsigned)stride : 0,
                          .device = known ? (int)device : -1,
                          .autoprobe = autoprobe != 0};
    return 0;
}

int sriov_check_count(const struct sriov *sriov, struct pci_address address, long long count,
                      struct error *err)
{
    char id[PCI_ADDRESS_SIZE];

    if (count >= 0 && count <= sriov->total)
        return 0;
    pci_address_format(address, id);
    return error_set_field(err, "numvfs", "value %lld is too large: %s can have %u virtual functions", count,
                           id, sriov->total);
}

static bool vfio_makes_some(const struct sysroot *sysroot)
{
    char value[16];

    return sysfs_read(sysroot_fd(sysroot), path_of_module("vfio_pci", "parameters/enable_sriov").text, value,
                      sizeof(value)) > 0 &&
           value[0] == 'Y';
}

const char *sriov_explain_driver(const struct sysroot *sysroot, const char *driver)
{
    if (driver[0] == '\0')
        return "only a driver makes virtual functions, and none is bound: choose driver=auto for it first";
    if (driver_is_vfio(driver) && !vfio_makes_some(sysroot))
        return "vfio-pci makes virtual functions only if it was loaded with enable_sriov=1: choose "
               "driver=auto "
               "for it, or write `options vfio-pci enable_sriov=1` to a file in modprobe.d and load it again";
    return NULL;
}

static long routing_id(struct pci_address address)
{
    return (long)address.bus << 8 | (long)address.device << 3 | address.function;
}

bool sriov_locate(const struct sriov *sriov, struct pci_address address, unsigned index,
                  struct pci_address *ret)
{
    long id = routing_id(address) + (long)sriov->offset + (long)index * (long)sriov->stride;

    if (sriov->offset == 0 || index >= sriov->total || (index > 0 && sriov->stride == 0) || id > 0xffff)
        return false;
    *ret = (struct pci_address){.domain = address.domain,
                                .bus = (uint8_t)(id >> 8),
                                .device = (uint8_t)(id >> 3 & 0x1f),
                                .function = (uint8_t)(id & 7)};
    return true;
}

static bool is_vf_of(const struct pci_device *device, struct pci_address address)
{
    return device->virtual_function && pci_address_compare(device->physical_function, address) == 0;
}

json_t *sriov_list(const struct sriov *sriov, struct pci_address address, const struct inventory *inventory)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < sriov->total; i++) {
        json_t *row = json_pack("{s:i}", "index", (int)i);
        struct pci_address at;
        char id[PCI_ADDRESS_SIZE];
        const struct pci_device *found = NULL;
        if (sriov_locate(sriov, address, i, &at)) {
            pci_address_format(at, id);
            json_object_set_new(row, "id", json_string(id));
            found = inventory_find(inventory, at);
        }
        bool exists = found != NULL && is_vf_of(found, address);
        json_object_set_new(row, "exists", json_integer(exists));
        if (exists && found->group >= 0)
            json_object_set_new(row, "group", json_integer(found->group));
        if (exists && found->driver[0] != '\0')
            json_object_set_new(row, "driver", json_string(found->driver));
        json_array_append_new(list, row);
    }
    return list;
}

size_t sriov_count(const struct inventory *inventory, struct pci_address address)
{
    size_t count = 0;

    for (size_t i = 0; i < inventory->count; i++)
        count += is_vf_of(&inventory->devices[i], address);
    return count;
}

/* Whether the VF at this distance from the PF is one of its VFs. */
static bool read_slot(int folder, long distance, struct sriov_slot *ret)
{
    long long total, exist, offset, stride;

    if (sysfs_read_number(folder, "sriov_totalvfs", &total) < 0 || total <= 0 || total > MOST_FUNCTIONS ||
        sysfs_read_number(folder, "sriov_numvfs", &exist) < 0 || exist < 0 || exist > total ||
        sysfs_read_number(folder, "sriov_offset", &offset) < 0 || offset <= 0 ||
        sysfs_read_number(folder, "sriov_stride", &stride) < 0 || distance < offset)
        return false;
    /* a PF with a single VF needs no stride */
    long long index = stride > 0 ? (distance - offset) / stride : distance - offset;
    if (index >= total || offset + index * stride != distance)
        return false;
    ret->index = (unsigned)index;
    ret->exist = (unsigned)exist;
    ret->possible = (unsigned)total;
    return true;
}

bool sriov_find_slot(const struct sysroot *sysroot, const struct inventory *inventory, struct pci_address vf,
                     struct sriov_slot *ret)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *device = &inventory->devices[i];
        long distance = routing_id(vf) - routing_id(device->address);
        if (device->virtual_function || device->address.domain != vf.domain || distance <= 0 ||
            vf.bus - device->address.bus > 2)
            continue;
        autoclose int folder = pci_open_folder(sysroot, device->address);
        ret->physical_function = device->address;
        if (folder >= 0 && read_slot(folder, distance, ret))
            return true;
    }
    return false;
}
