/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's own control group where there is no systemd to make its unit: hostpci-vm@VMID.service below
 * /sys/fs/cgroup, as the unit would be called, if that is cgroup2 and can be written to
 * (Documentation/admin-guide/cgroup-v2.rst). It holds QEMU and its TPM, so that what they use can be told; a
 * host without it runs VMs all the same. */
#ifndef HOSTPCI_BROKER_MACHINE_CONTROL_GROUP_H
#define HOSTPCI_BROKER_MACHINE_CONTROL_GROUP_H

/* `folder` is the machine's; its last part is the VMID. */
void control_group_make(const char *folder);
/* The calling process enters it, if there is one. */
void control_group_join(const char *folder);
/* What is still in it is killed. */
void control_group_remove(const char *folder);

#endif
