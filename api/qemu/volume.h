/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes: which files and block devices a VM's configuration may name.
 *
 * A volume is an absolute path, `none` or `cdrom`. Storage pools (STORAGE:VOLUME, STORAGE:GiB), and what is
 * copied into them (import-from), are out of scope: they are refused for everyone when they are set. root@pam
 * may name any path. Others may name a file or block device that is there and lies, all links followed,
 * below one of service->volume_dirs, as its path says too: a link from elsewhere could be changed later. And
 * only in the format that the end of its name says (.qcow2, .qcow, .qed, .vmdk, .cloop, else raw), since a
 * guest could write the header of a qcow2 file that refers to any file of the host into a raw disk, and have
 * it read as qcow2 later. */
#ifndef HOSTPCI_API_QEMU_VOLUME_H
#define HOSTPCI_API_QEMU_VOLUME_H

#include <jansson.h>

#include "base/error.h"
#include "schema/endpoint.h"

/* What nobody may name. `values` are the property string's; the error is about the field `key`. */
int qemu_volume_check(const char *key, const json_t *values, struct error *err);

/* What others than root@pam may not name. `dirs` ends with NULL, or is NULL: there are none. One text for
 * what is elsewhere and for what is not there, so that nobody finds out what files the host has. */
int qemu_volume_check_place(const char *const *dirs, const char *key, const json_t *values,
                            struct error *err);

#endif
