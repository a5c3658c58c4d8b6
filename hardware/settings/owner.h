/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets the driver of a function, its number of virtual functions or its mediated devices at boot:
 * two that do so undo each other in an order that nobody knows.
 *
 * Sources: sysfs.conf of Debian's sysfsutils; driverctl(8), whose store has a file for each device;
 * mdevctl(8); systemd.link(5), udev(7); nm-settings(5), sriov.total-vfs; netplan's virtual-function-count;
 * modinfo(8) of Intel's drivers for max_vfs; scripts, units and interfaces(5) with lines that write to files
 * of the function in sysfs, and scripts that one of these runs. A file of theirs is taken to be about a
 * function if it names its id, an interface of it, or that one's address, and a script also if it is run with
 * one of them. */
#ifndef HOSTPCI_HARDWARE_SETTINGS_OWNER_H
#define HOSTPCI_HARDWARE_SETTINGS_OWNER_H

#include <jansson.h>

#include "base/text.h"
#include "hardware/pci/inventory.h"

enum owned { OWNED_DRIVER, OWNED_VFS, OWNED_MDEV, OWNED_KINDS };

/* "driver", "vfs", "mdev" */
extern const char *const owned_names[OWNED_KINDS];

/* [{owner, what, file, line, text}]: owner is sysfsutils, driverctl, mdevctl, udev, systemd, networkmanager,
 * netplan, modprobe or script, what one of owned_names; line 0 is the whole file. Files that cannot be read
 * are left out: root sees most. */
json_t *owner_list(const struct sysroot *sysroot, const struct pci_device *device);

/* What is to be kept here. */
struct owned_setting {
    enum owned what;
    const char *ours;      /* in messages: "a persistent driver" */
    const char *attribute; /* the file of the function that sets the same: "driver_override" */
    const char *value;     /* what has to be written there */
    const char *named;     /* NULL, or what else a line about the same thing has: a UUID */
};

/* ERROR_CONFLICT if somebody else sets this: names their place, and what to do there by hand. mdevctl never
 * is somebody else: what hostpci keeps of mediated devices stands in its files. */
int owner_check(const struct sysroot *sysroot, const struct pci_device *device,
                const struct owned_setting *setting, struct error *err);

/* What stands before a line that was taken over, which makes it a comment. */
#define OWNER_TAKEN "# kept by hostpci: "

/* Takes over what sysfs.conf or a file of sysfs.d sets: adds these files, with the line as a comment, to
 * `files`, a list as of host_add_file (broker/worker/host.h), in which a file may be already, and says in
 * `how` how to go back. ERROR_CONFLICT, also for any other owner, unless each line sets this very attribute
 * of this very function to the value. Nothing is added if nobody else sets it. Only reads. */
int owner_take_over(const struct sysroot *sysroot, const struct pci_device *device,
                    const struct owned_setting *setting, json_t *files, struct text *how, struct error *err);

#endif
