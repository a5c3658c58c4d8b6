/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel writes about a PCI function in its `uevent` file and in uevent messages. Pure: no file is
 * read. Sources: pci_uevent() in drivers/pci/pci-driver.c and dev_uevent() in drivers/base/core.c of the
 * Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_UEVENT_H
#define HOSTPCI_HARDWARE_PCI_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "hardware/pci.h"

/* Fills driver, class_code, vendor, device and the subsystem from the file's lines; the others stay. False,
 * with *ret untouched, unless class, ids and subsystem are all there: the text was cut short or is something
 * else. */
bool pci_uevent_parse(const char *text, struct pci_device *ret);

/* True if a message from the kernel's netlink socket ("ACTION@PATH", then "NAME=VALUE", each with its NUL)
 * tells of a change of a PCI function: one that came, went, was bound, unbound or changed. */
bool pci_uevent_concerns_us(const char *message, size_t length);

#endif
