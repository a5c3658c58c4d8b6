/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a broker that root started by hand may do to the host's files: no more than its unit lets it.
 *
 * The unit says it with ProtectSystem, ReadWritePaths, ProtectHome, PrivateTmp, ProtectControlGroups and
 * DevicePolicy. Here it is a mount namespace of its own in which everything is read-only, no device can be
 * opened, and homes are empty, but for what the tables in mounts.c name, each with its reason. A path that
 * the unit lets the broker write to stands there, too: a test compares the two. What the host mounts and
 * unmounts later is mounted and unmounted here as well; where its mounts are private (without systemd) they
 * are made shared for that. Sources: mount_setattr(2), which needs Linux 5.12, and mount_namespaces(7). */
#ifndef HOSTPCI_BROKER_DAEMON_MOUNTS_H
#define HOSTPCI_BROKER_DAEMON_MOUNTS_H

#include "base/error.h"

#define MOUNTS_OWN 5 /* folders that the caller may name */

/* `own` are folders that exist and in which the broker writes; NULL: none. The first is that of --sysroot;
 * only where it is NULL is anything made on this host. Files that are open already are not affected: they
 * belong to the old namespace. So this is called early, and by root. ERROR_FAILED if the namespace is
 * unusable. If the kernel does not let us make one, as in many containers, nothing changes, and the log says
 * so. */
int mounts_restrict(const char *const own[static MOUNTS_OWN], struct error *err);

/* The paths that the unit names, for the test: ends with NULL. */
extern const char *const mounts_writable[];

#endif
