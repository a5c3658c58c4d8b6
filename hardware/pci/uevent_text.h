/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's uevent messages about PCI functions. Pure: nothing is received. Source: dev_uevent() in
 * drivers/base/core.c and pci_uevent() in drivers/pci/pci-driver.c of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_UEVENT_TEXT_H
#define HOSTPCI_HARDWARE_PCI_UEVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "hardware/pci/address.h"

enum pci_event_kind {
    PCI_EVENT_OTHER, /* removed, unbound, changed, or an action that we do not know */
    PCI_EVENT_ADD,   /* the function appeared */
    PCI_EVENT_BIND,  /* a driver was bound to it */
    PCI_EVENT_MDEV,  /* it can create mediated devices from now on: mdev_register_parent() */
};

struct pci_event {
    enum pci_event_kind kind;
    struct pci_address address; /* unless the kind is PCI_EVENT_OTHER */
};

/* True if the message from the kernel's netlink socket ("ACTION@PATH", then "NAME=VALUE", each with its NUL)
 * is about a PCI function. */
bool pci_uevent_parse(const char *message, size_t length, struct pci_event *ret);

#endif
