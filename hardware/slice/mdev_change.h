/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating and removing mediated devices by the kernel's interface, each checked by reading back. Called in
 * the broker's workers only: the kernel may block for as long as somebody has the device open.
 *
 * A mediated device is named by a UUID, which the kernel writes in lower case and of which there is one on
 * the host, whatever the parent. Sources: Documentation/driver-api/vfio-mediated-device.rst and
 * drivers/vfio/mdev/mdev_core.c, mdev_sysfs.c of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_SLICE_MDEV_CHANGE_H
#define HOSTPCI_HARDWARE_SLICE_MDEV_CHANGE_H

#include "hardware/slice/mdev.h"

/* Finds the mediated device of that UUID: 1; *ret names its parent, "" if that is not a PCI function, and its
 * type. 0: there is none. ERROR_FAILED if the kernel does not let us see. */
int mdev_find(const struct sysroot *sysroot, const char *uuid, struct mdev_place *ret, struct error *err);

/* Whether the parent can create one more of the type now, or become a vGPU of it. The error says which types
 * it has, or what to remove. */
int mdev_check_type(const struct sysroot *sysroot, const struct inventory *inventory,
                    const struct pci_device *parent, const char *type, struct error *err);

/* Creates one that does not exist yet, even if others create it at the same moment. It exists as
 * requested, and a virtual machine can have it, when this returns 0. After -1 it may exist all the same.
 */
int mdev_create(const struct sysroot *sysroot, struct pci_address parent, const char *type, const char *uuid,
                struct error *err);

/* Writes an attribute of the driver, which mdevctl's files list: `name` is a path below the device's folder
 * (mdevctl_attribute_is_valid in hardware/slice/mdevctl.h). */
int mdev_set_attribute(const struct sysroot *sysroot, struct pci_address parent, const char *uuid,
                       const char *name, const char *value, struct error *err);

/* Removes it; 0 if it is gone already, too. */
int mdev_remove(const struct sysroot *sysroot, struct pci_address parent, const char *uuid,
                struct error *err);

#endif
