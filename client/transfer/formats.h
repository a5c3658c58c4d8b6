/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of others that are read into an intake. Those of Proxmox VE are also printed from replies of the API;
 * what is printed is read back as the same. */
#ifndef HOSTPCI_CLIENT_TRANSFER_FORMATS_H
#define HOSTPCI_CLIENT_TRANSFER_FORMATS_H

#include "client/transfer/intake.h"

/* mapping/pci.cfg and mapping/usb.cfg. */
void mapping_file_read_pci(struct intake_source *source);
void mapping_file_read_usb(struct intake_source *source);
/* From what lists the mappings. This and the others return a text that the caller frees. */
char *mapping_file_print(const json_t *mappings);

/* user.cfg: each user, token, group, membership, role and permission is a step. */
void user_file_read(struct intake_source *source);
/* From what lists the users (with full=1), the groups, the roles and the permissions. */
char *user_file_print(const json_t *users, const json_t *groups, const json_t *roles, const json_t *acl);

/* qemu-server/100.conf. What waits for the VM's next start there is set at once here, as it does not run. */
void vm_file_read(struct intake_source *source);
/* From what lists the pending changes of the VM. Values that the server hides are left out. */
char *vm_file_print(const json_t *pending);
/* The same of another node, nodes/NAME/qemu-server/100.conf: left out, unless it is this node's by another
 * path. */
void vm_file_read_elsewhere(struct intake_source *source);

/* What other tools set up at each start of a host: sysfs.conf of Debian's sysfsutils; driverctl.d/pci-ID;
 * mdevctl.d/PARENT/UUID; the virtual functions of systemd's *.link. */
void sysfs_file_read(struct intake_source *source);
void driverctl_file_read(struct intake_source *source);
void mdevctl_file_read(struct intake_source *source);
void link_file_read(struct intake_source *source);

#endif
