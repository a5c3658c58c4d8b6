/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of an intake that set up a device of this host for good: its driver, its virtual functions, its
 * mediated devices.
 *
 * Each asks the server what the device is and has. It is left out, with the reason, if there is no such
 * device, if hostpci keeps such a setting of it already, or if a tool of this host would set the same at each
 * start: two that do so undo each other. What sysfs.conf sets here is taken over. */
#ifndef HOSTPCI_CLIENT_TRANSFER_HOST_STEP_H
#define HOSTPCI_CLIENT_TRANSFER_HOST_STEP_H

#include "client/transfer/intake.h"

/* In all of them `id` is what a file calls a PCI function: it is only taken if it is an id. */
void host_step_driver(struct intake_source *source, const char *id, const char *driver);

/* `settings`, {"vf0": "mac=...,vlan=5", "autoprobe": "0", ...}, is taken; the kernel's default is that the
 * host's drivers take new virtual functions. */
void host_step_vfs(struct intake_source *source, const char *id, const char *count, json_t *settings);

void host_step_mdev(struct intake_source *source, const char *parent, const char *type, const char *uuid);

/* The function whose network interface has this name; NULL, with a line about `what` among those left out, if
 * there is none. Valid until the intake is released. */
const char *host_step_find_interface(struct intake_source *source, const char *what, const char *interface);

#endif
