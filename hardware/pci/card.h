/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions make one card.
 *
 * The addresses of functions in one slot differ only in the last digit, and yet they need not belong
 * together. What sits on a root bus is a part of the chipset or the processor, where each function is a
 * device of its own (0000:00:1f.3 sound, .4 SMBus, .6 network). So is what has AMD's vendor id 1022: behind
 * the internal bridges of an APU the security processor and the USB controllers share a slot with the
 * graphics, which have the id 1002. A virtual function may have a number in its physical function's slot.
 * Sources: PCI Express Base, 7.5.1.1.9 (header type) and 9.3.3 (routing ids of virtual functions); pci.ids.
 */
#ifndef HOSTPCI_HARDWARE_PCI_CARD_H
#define HOSTPCI_HARDWARE_PCI_CARD_H

#include "hardware/pci/inventory.h"

/* Whether it is a part of the mainboard or the processor, and not of a card. */
bool pci_is_integrated(const struct pci_device *device);

/* Whether both are physical functions of one card, or the same function. */
bool pci_same_card(const struct pci_device *a, const struct pci_device *b);

/* Whether `other` is useless without `device`, and vice versa: like the sound of a graphics card, unlike the
 * second port of a network card, which has the same class. A function is its own companion. */
bool pci_is_companion(const struct pci_device *device, const struct pci_device *other);

#endif
