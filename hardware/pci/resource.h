/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address windows of a PCI function: its BARs, its ROM and the BARs of its virtual functions. Pure: no file
 * is read. Sources: resource_show() in drivers/pci/pci-sysfs.c, include/linux/pci.h (order of the lines) and
 * include/linux/ioport.h (flags) of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_RESOURCE_H
#define HOSTPCI_HARDWARE_PCI_RESOURCE_H

#include <jansson.h>

/* [{name, start, size, type, prefetchable?, shadow?}] for the windows in use, from the text of the file
 * `resource`, which has a line "START END FLAGS" for each window and is cut up. name is bar0 to bar5, rom, or
 * iov0 to iov5 (the space of all virtual functions), start "0x...", size in bytes, type io, mem32 or mem64,
 * prefetchable 1, shadow 1 for a ROM that is a copy, which the firmware left in main memory. Lines that
 * cannot be parsed are left out, and so are a bridge's windows to the bus behind it.
 */
json_t *resource_list(char *text);

/* The window of that name in such a list, not a new reference; NULL if it is not in use. */
#define RESOURCE_ROM "rom"
json_t *resource_find(const json_t *list, const char *name);

#endif
