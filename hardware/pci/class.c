/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of functions and of drivers. */
#include "hardware/pci/class.h"

#include <string.h>

bool pci_is_bridge(const struct pci_device *device)
{
    return device->class_code >> 16 == 0x06;
}

bool pci_is_switching(const struct pci_device *device)
{
    return device->class_code >> 8 == 0x0604 || device->class_code >> 8 == 0x0609;
}

bool pci_is_display(const struct pci_device *device)
{
    return device->class_code >> 16 == 0x03;
}

bool pci_is_vga(const struct pci_device *device)
{
    return device->class_code >> 8 == 0x0300;
}

bool pci_is_memory(const struct pci_device *device)
{
    return device->class_code >> 16 == 0x05;
}

bool driver_is_vfio(const char *driver)
{
    return strstr(driver, "vfio") != NULL;
}
