/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes: which files and block devices a VM's configuration may name.
 *
 * A volume is one of the storage `local` (vm/volume.h), an absolute path, `none` or `cdrom`. Who may use one
 * of the storage is in access.c. Other storages, and copies of volumes (import-from), are refused for
 * everyone (vm/disk.h). root@pam may name any path. Everyone else may name a file or block device that exists
 * and lies below one of service->volume_dirs, both with all links followed and as its path is written, since
 * a link elsewhere could be changed later. They may use it only in the format that the end of its name stands
 * for (.qcow2, .qcow, .qed, .vmdk, .cloop, else raw): a guest could write the header of a qcow2 file that
 * refers to any file of the host into its raw disk, and have the disk read as qcow2 later. Of the formats
 * they may use raw and qcow2, and the file must be the only name of its content and must not lead to another
 * file (vm/image.h). */
#ifndef HOSTPCI_API_QEMU_VOLUME_H
#define HOSTPCI_API_QEMU_VOLUME_H

#include <jansson.h>

#include "base/error.h"
#include "schema/endpoint.h"

/* Refuses what only root@pam may name. `values` are the parts of the value, and `dirs` ends with NULL; NULL
 * if there are none. A file that is elsewhere and a file that does not exist get the same text, so that
 * nobody finds out which files the host has. */
int qemu_volume_check_place(const char *const *dirs, const char *key, const json_t *values,
                            struct error *err);

#endif
