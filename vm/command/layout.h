/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest finds the devices of a command line: the addresses that its lspci shows.
 *
 * The slots are on the command line; the numbers of the buses behind bridges are not. The firmware gives
 * those: it counts buses as it meets bridges, slot by slot, and goes down into each bridge before it goes on
 * to the next slot. SeaBIOS (src/fw/pciinit.c, pci_bios_init_bus_rec) and OVMF (PciScanBus in EDK II's
 * PciBusDxe) count alike, and operating systems keep the numbers. Only a bridge that a user's own args add
 * can make them differ. */
#ifndef HOSTPCI_VM_COMMAND_LAYOUT_H
#define HOSTPCI_VM_COMMAND_LAYOUT_H

#include <jansson.h>

/* {ID: "0000:01:00.0"} for each device of the arguments of vm_command_build that has an id, a bus and an
 * address. A new reference. */
json_t *vm_command_layout(char *const *arguments);

#endif
