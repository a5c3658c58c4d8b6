/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets the driver of a function, or its number of virtual functions, at boot: two that do so undo
 * each other in an order that nobody knows.
 *
 * Sources: sysfs.conf of Debian's sysfsutils; driverctl(8), whose store has a file for each device;
 * systemd.link(5), udev(7); nm-settings(5), sriov.total-vfs; modinfo(8) of Intel's drivers for max_vfs;
 * scripts and units that write to sriov_numvfs. A file of theirs is taken to be about a function if it names
 * its id, or an interface of it. */
#ifndef HOSTPCI_HARDWARE_SETTINGS_OWNER_H
#define HOSTPCI_HARDWARE_SETTINGS_OWNER_H

#include <jansson.h>

#include "base/text.h"
#include "hardware/pci/inventory.h"

enum owned { OWNED_DRIVER, OWNED_VFS, OWNED_KINDS };

/* [{owner, what, file, line, text}]: owner is sysfsutils, driverctl, udev, systemd, networkmanager, modprobe
 * or script, what is driver or vfs; line 0 is the whole file. Files that cannot be read are left out: root
 * sees most. */
json_t *owner_list(const struct sysroot *sysroot, const struct pci_device *device);

/* ERROR_CONFLICT if somebody else sets this: names their place, and what to do there by hand. `ours` says
 * what is to be kept here: "a persistent driver". */
int owner_check(const struct sysroot *sysroot, const struct pci_device *device, enum owned what,
                const char *ours, struct error *err);

/* What stands before a line that was taken over, which makes it a comment. */
#define OWNER_TAKEN "# kept by hostpci: "

/* Takes over what sysfs.conf or a file of sysfs.d sets: adds these files, with the line as a comment, to
 * `files`, a list as of host_add_file (broker/worker/host.h), in which a file may be already, and says in
 * `how` how to go back. ERROR_CONFLICT, also for any other owner, unless each line sets this very attribute
 * of this very function to `value`. Nothing is added if nobody else sets it. Only reads. */
int owner_take_over(const struct sysroot *sysroot, const struct pci_device *device, enum owned what,
                    const char *ours, const char *value, json_t *files, struct text *how, struct error *err);

#endif
