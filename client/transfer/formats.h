/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of Proxmox VE: each is read into an intake, and printed from replies of the API. What is printed
 * is read back as the same. */
#ifndef HOSTPCI_CLIENT_TRANSFER_FORMATS_H
#define HOSTPCI_CLIENT_TRANSFER_FORMATS_H

#include "client/transfer/intake.h"

/* mapping/pci.cfg and mapping/usb.cfg. */
void mapping_file_read_pci(struct intake_source *source);
void mapping_file_read_usb(struct intake_source *source);

/* qemu-server/100.conf. What waits for the VM's next start there is set at once here, as it does not run. */
void vm_file_read(struct intake_source *source);
/* The same of another node, nodes/NAME/qemu-server/100.conf: left out, unless it is this node's by another
 * path. */
void vm_file_read_elsewhere(struct intake_source *source);

#endif
