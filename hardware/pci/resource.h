/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address windows of a PCI function: its BARs, its ROM and those of its virtual functions. Pure: no file is
 * read. Sources: resource_show() in drivers/pci/pci-sysfs.c, include/linux/pci.h (order of the lines) and
 * include/linux/ioport.h (flags) of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_RESOURCE_H
#define HOSTPCI_HARDWARE_PCI_RESOURCE_H

#include <jansson.h>

/* Takes the file `resource`, a line "START END FLAGS" a window, which it cuts up. Gives
 * [{name, start, size, type, prefetchable?}] of the windows that are in use: name bar0 to bar5, rom, iov0 to
 * iov5 (space of all virtual functions), start "0x...", size in bytes, type io, mem32 or mem64,
 * prefetchable 1. A bridge's windows to the bus behind it are left out, and lines that make no sense. */
json_t *resource_list(char *text);

#endif
