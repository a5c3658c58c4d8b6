/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual functions of an NVMe drive: secondary controllers, which come offline and without queues, so
 * that their driver gives up. The drive's own controller, the primary one, gives them a share of its flexible
 * queues and interrupts and sets them online; they stay so until the drive is reset or has no virtual
 * functions. Sources: NVM Express Base Specification, Identify (CNS 14h, 15h) and Virtualization Management;
 * NVME_IOCTL_ADMIN_CMD in include/uapi/linux/nvme_ioctl.h of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_SLICE_NVME_H
#define HOSTPCI_HARDWARE_SLICE_NVME_H

#include <linux/nvme_ioctl.h>

#include "hardware/pci/inventory.h"

#define NVME_NODE_SIZE 32

/* "nvme0", the drive's controller below /dev; ERROR_FAILED if the function has none. */
int nvme_find(const struct sysroot *sysroot, struct pci_address physical, char node[static NVME_NODE_SIZE],
              struct error *err);

/* Why this process may not ask the drive that has the function: a confined one may open only those that were
 * there when it started. NULL if it may, or if the function has no controller yet. */
const char *nvme_explain_node(const struct sysroot *sysroot, struct pci_address physical);

/* Waits, ten seconds at most, until the drive's controller is in use again after a reset, before which it
 * takes no commands. */
void nvme_wait(const struct sysroot *sysroot, struct pci_address physical, const char *node);

/* A virtual function's part of the drive; 0: these are not shared, each function has a fixed number. */
struct nvme_share {
    unsigned queues, interrupts;
    bool online;
};

/* What each of `count` virtual functions has now. 1: `list` is filled; 0: the drive has no secondary
 * controllers, and its virtual functions need nothing. */
int nvme_read_shares(const struct sysroot *sysroot, const char *node, unsigned count,
                     struct nvme_share list[], struct error *err);

/* Completes what each of `count` virtual functions, which all are new, is to have: where a number in `list`
 * is 0, an equal part of what the others leave. 1: done; 0: as above. ERROR_FAILED if the drive has too
 * little. */
int nvme_divide(const struct sysroot *sysroot, const char *node, unsigned count, struct nvme_share list[],
                struct error *err);

/* Gives the index-th virtual function, which no driver holds, its share and sets it online. */
int nvme_set_online(const struct sysroot *sysroot, const char *node, unsigned index, struct nvme_share share,
                    struct error *err);

/* The door to the drive: executes a command, as the ioctl does: 0, the status of a command that the drive
 * refused, or a negative errno. Tests put another one in its place; without that a sysroot other than / has
 * none. */
typedef int nvme_door_function(const char *node, struct nvme_admin_cmd *command);
extern nvme_door_function *nvme_door;

#endif
