/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions make one card. */
#include "hardware/pci/card.h"

#define AMD 0x1022

bool pci_is_integrated(const struct pci_device *device)
{
    return device->on_root_bus || device->vendor == AMD;
}

bool pci_same_card(const struct pci_device *a, const struct pci_device *b)
{
    if (pci_address_compare(a->address, b->address) == 0)
        return true;
    return pci_address_same_slot(a->address, b->address) && !a->virtual_function && !b->virtual_function &&
           !pci_is_integrated(a) && !pci_is_integrated(b) && a->vendor == b->vendor;
}

bool pci_is_companion(const struct pci_device *device, const struct pci_device *other)
{
    if (pci_address_compare(device->address, other->address) == 0)
        return true;
    return pci_same_card(device, other) && device->class_code != other->class_code;
}
