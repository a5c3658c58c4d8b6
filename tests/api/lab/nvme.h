/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual functions of an NVMe drive that carry it.
 *
 * A virtual function comes without queues and offline, so that its driver gives up. The drive's own
 * controller hands out queues and interrupts and brings it online, as an administrator does with nvme-cli's
 * virt-mgmt: NVM Express Base Specification, Virtualization Management command. It stays online until the
 * drive has no virtual functions or is reset. */
#ifndef HOSTPCI_TESTS_API_LAB_NVME_H
#define HOSTPCI_TESTS_API_LAB_NVME_H

/* The drive is the physical function's; controller 1 is its first virtual function. No driver may hold that.
 */
void nvme_bring_online(const char *physical, unsigned controller);

#endif
