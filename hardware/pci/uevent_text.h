/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's uevent messages about PCI functions. Pure: nothing is received. Source: dev_uevent() in
 * drivers/base/core.c of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_UEVENT_TEXT_H
#define HOSTPCI_HARDWARE_PCI_UEVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True if the message from the kernel's netlink socket ("ACTION@PATH", then "NAME=VALUE", each with its NUL)
 * is about a PCI function: one was added, removed, bound, unbound or changed. */
bool pci_uevent_concerns_us(const char *message, size_t length);

#endif
