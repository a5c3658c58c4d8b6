/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `modalias` of a PCI function has all its ids and its class in one line:
 * "pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i00". Pure: no file is read. Source: modalias_show() in
 * drivers/pci/pci-sysfs.c of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_MODALIAS_H
#define HOSTPCI_HARDWARE_PCI_MODALIAS_H

#include <stdbool.h>

#include "hardware/pci/inventory.h"

/* Fills class_code, vendor, device and the subsystem, and leaves the rest. False, with *ret untouched, unless
 * the text is one modalias and nothing else. */
bool pci_modalias_parse(const char *text, struct pci_device *ret);

#endif
