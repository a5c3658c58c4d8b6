/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating and removing mediated devices by the kernel's interface. */
#include "hardware/slice/mdev_change.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/bind/attribute.h"
#include "hardware/paths.h"
#include "hardware/slice/nvidia.h"

static struct host_path path_of_mdev(const char *uuid, const char *file)
{
    return path_below(SYS_MDEV_DEVICES, uuid, file);
}

int mdev_find(const struct sysroot *sysroot, const char *uuid, struct mdev_place *ret, struct error *err)
{
    int result = mdev_read_place(sysroot, uuid, ret);

    if (result == 0)
        return 1;
    return result == -ENOENT
               ? 0
               : error_set_errno(err, -result, "cannot read the link /%s", path_of_mdev(uuid, NULL).text);
}

/* "a, b" of the types; those that can be created now with how many, if only these are wanted. */
static void list_types(const json_t *types, bool left, struct text *ret)
{
    const json_t *row;
    size_t i;

    json_array_foreach(types, i, row) {
        long long available = json_integer_value(json_object_get(row, "available"));
        if (left && available == 0)
            continue;
        text_printf(ret, "%s%s", ret->length > 0 ? ", " : "", json_text(row, "type"));
        if (left)
            text_printf(ret, " (%lld left)", available);
    }
}

static int refuse_type(const char *id, const char *type, const json_t *types, struct error *err)
{
    autotext struct text list = {0};

    list_types(types, false, &list);
    if (list.length == 0)
        return error_set(err, ERROR_FAILED,
                         "%s cannot create mediated devices: its driver offers no types; hostpci get "
                         "/nodes/localhost/hardware/pci/%s/status says what it lacks",
                         id, id);
    return error_set_field(err, "type", "%s has no type '%s' of mediated devices; it has %.700s", id, type,
                           list.data);
}

/* Types share what the parent has, so another one may still have room when this one has none. */
static int refuse_full(const char *id, const char *type, const json_t *types, struct error *err)
{
    autotext struct text list = {0};

    list_types(types, true, &list);
    return error_set(err, ERROR_FAILED,
                     "%s has no instance of '%s' left: remove a mediated device of it (hostpci get "
                     "/nodes/localhost/hardware/mdev lists them)%s%.600s",
                     id, type, list.length > 0 ? ", or choose a type that is left: " : "",
                     text_string(&list));
}

/* What a vGPU can be depends on the others of its card. */
static int refuse_vgpu(const struct sysroot *sysroot, const struct inventory *inventory,
                       const struct pci_device *function, const char *type, const json_t *types,
                       struct error *err)
{
    autotext struct text list = {0}, others = {0};
    char id[PCI_ADDRESS_SIZE], other[PCI_ADDRESS_SIZE], other_type[NVIDIA_TYPE_SIZE];

    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *sibling = &inventory->devices[i];
        if (!sibling->nvidia || !nvidia_share_card(sibling, function) ||
            nvidia_read_type(sysroot, sibling->address, other_type) < 0 || other_type[0] == '\0')
            continue;
        pci_address_format(sibling->address, other);
        text_printf(&others, "%s%s (%s)", others.length > 0 ? ", " : "", other, other_type);
    }
    list_types(types, false, &list);
    pci_address_format(function->address, id);
    return error_set(
        err, ERROR_FAILED,
        "%s cannot become a vGPU of type '%s' now: the card's memory is shared by its vGPUs%s%.400s%s, "
        "which leave too little or allow only types of their size; remove some of them%s%.300s",
        id, type, others.length > 0 ? ", now " : "", text_string(&others),
        others.length > 0 ? "" : " (none now)",
        list.length > 0 ? ", or choose a type that the driver offers now: " : "", text_string(&list));
}

int mdev_check_type(const struct sysroot *sysroot, const struct inventory *inventory,
                    const struct pci_device *parent, const char *type, struct error *err)
{
    autojson json_t *types = NULL;
    char id[PCI_ADDRESS_SIZE];
    const json_t *row;
    size_t i;

    pci_address_format(parent->address, id);
    if (mdev_list_types(sysroot, parent->address, &types, err) != 0)
        return -1;
    json_array_foreach(types, i, row)
        if (strcmp(json_text(row, "type"), type) == 0)
            return json_integer_value(json_object_get(row, "available")) > 0
                       ? 0
                       : refuse_full(id, type, types, err);
    return parent->nvidia ? refuse_vgpu(sysroot, inventory, parent, type, types, err)
                          : refuse_type(id, type, types, err);
}

/* What create_store() and the parent's driver answer. */
static const struct errno_meaning create_meanings[] = {
    {EEXIST, "somebody else made a mediated device of this UUID at the same moment; choose another one"},
    {EINVAL, "the kernel does not take the UUID, or the driver refuses this type now; dmesg may say more"},
    {ENODEV, "the parent's driver is being unloaded; bind it again, then try again"},
    {EUSERS, "no instance of this type is left: remove a mediated device of the same parent"},
    {ENOSPC, "the parent has no room left for this type: remove a mediated device of it, or choose a "
             "smaller type"},
    {ENOMEM, "the host or the device has too little memory left for it: remove a mediated device of the "
             "same parent"},
    {EIO, "the parent's driver failed; where it has services of its own, such as nvidia-vgpu-mgr, see "
          "whether they run; dmesg may say more"},
    {EBUSY, "the parent's driver is busy, or another use of the device excludes mediated devices; try again"},
    {EAGAIN, "the parent's driver is busy; try again"},
    {EOPNOTSUPP, "the parent's driver cannot create this type as it is set up now; dmesg may say more"},
    {ENOENT, "the type no longer exists: the parent's driver was unloaded or changed its types"},
    {0, NULL},
};

static const struct errno_meaning remove_meanings[] = {
    {EBUSY, "somebody uses it: stop the virtual machine that has it"},
    {EAGAIN, "it is being created or removed at this moment; try again"},
    {EINVAL, "the kernel does not take the request; dmesg may say more"},
    {0, NULL},
};

/* The group is made when the driver for VFIO takes the device, which on kernels before 5.16 is a module of
 * its own, vfio_mdev. Without it no virtual machine can have the device. */
static int check_usable(const struct sysroot *sysroot, struct pci_address parent, const char *uuid,
                        struct error *err)
{
    struct host_path group = path_of_mdev(uuid, "iommu_group"), device = path_of_mdev(uuid, "vfio-dev");
    char name[32];
    int result = sysfs_read_link_name(sysroot_fd(sysroot), group.text, name, sizeof(name));

    if (result >= 0 || sysfs_exists(sysroot_fd(sysroot), device.text))
        return 0;
    if (result != -ENOENT)
        return attribute_fail(sysroot, parent, -result, NULL, err, "read the link /%s", group.text);
    return error_set(err, ERROR_FAILED,
                     "the kernel made the mediated device %s, but no driver for VFIO took it: there is no "
                     "/%s; type `modprobe vfio_mdev`, then try again",
                     uuid, group.text);
}

static int check_created(const struct sysroot *sysroot, struct pci_address parent, const char *type,
                         const char *uuid, struct error *err)
{
    struct mdev_place place;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(parent, id);
    int found = mdev_find(sysroot, uuid, &place, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return error_set(err, ERROR_FAILED,
                         "the kernel took the mediated device %s, but there is no /%s: dmesg may say why",
                         uuid, path_of_mdev(uuid, NULL).text);
    if (strcmp(place.parent, id) != 0 || strcmp(place.type, type) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "the mediated device %s has the type '%s' at '%s', where '%s' at %s was asked for",
                         uuid, place.type, place.parent, type, id);
    return check_usable(sysroot, parent, uuid, err);
}

int mdev_create(const struct sysroot *sysroot, struct pci_address parent, const char *type, const char *uuid,
                struct error *err)
{
    struct host_path types = pci_path(parent, "mdev_supported_types");
    struct host_path file = path_below(types.text, type, "create");
    int result = sysfs_write(sysroot_fd(sysroot), file.text, uuid);
    struct error other;

    /* mdevctl's udev rule may have been faster */
    if (result == -EEXIST && check_created(sysroot, parent, type, uuid, &other) == 0)
        return 0;
    if (result < 0)
        return attribute_fail(sysroot, parent, -result, create_meanings, err, "write '%s' to /%s", uuid,
                              file.text);
    return check_created(sysroot, parent, type, uuid, err);
}

int mdev_set_attribute(const struct sysroot *sysroot, struct pci_address parent, const char *uuid,
                       const char *name, const char *value, struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {ENOENT, "the mediated device has no such attribute: correct it in its file of mdevctl"},
        {EINVAL, "the driver refuses the value: correct it in its file of mdevctl"},
        {0, NULL},
    };

    return attribute_write(sysroot, parent, path_of_mdev(uuid, name).text, value, meanings, err);
}

int mdev_remove(const struct sysroot *sysroot, struct pci_address parent, const char *uuid, struct error *err)
{
    struct mdev_place place;
    struct error why;

    int result =
        attribute_write(sysroot, parent, path_of_mdev(uuid, "remove").text, "1", remove_meanings, &why);
    int found = mdev_find(sysroot, uuid, &place, err);
    if (found <= 0)
        return found; /* whoever removed it */
    if (result == 0)
        error_set(
            &why, ERROR_FAILED,
            "the kernel says that the mediated device %s was removed, but /%s is still there; dmesg may "
            "say why",
            uuid, path_of_mdev(uuid, NULL).text);
    *err = why;
    return -1;
}
