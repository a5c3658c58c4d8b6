/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ideN, sataN, scsiN, virtioN: disks and CD-ROM drives; and which volumes a key may name. */
#ifndef HOSTPCI_VM_DISK_H
#define HOSTPCI_VM_DISK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* {PART: value} of a stored value. Refused are limits that exclude each other and parts that a CD-ROM cannot
 * have. The caller drops. */
int vm_disk_parse(const char *key, const char *value, json_t **ret, struct error *err);

/* What ide2 is set to by `cdrom`, the other name of a CD-ROM drive at ide2: the value with media=cdrom. The
 * caller frees. */
int vm_disk_from_cdrom(const char *value, char **ret, struct error *err);

/* Whether it has media=cdrom, or one of the files none and cdrom, which only a CD-ROM drive can have. */
bool vm_disk_is_cdrom(const json_t *values);

/* Refuses what nobody may name: a volume of another storage than the store (vm/volume.h), one of the store
 * whose name is none or in another format than its name says, a disc as a disk, and copying one volume into
 * another. `values` are the parts of a key that names a volume, of efidisk0 and the like, too; the error has
 * the key as its field. */
int vm_disk_check_volume(const char *key, const json_t *values, struct error *err);

/* The path of the volume, which the caller frees; NULL if the drive is empty. `store` is the store's folder.
 * ERROR_INVALID if the volume is one that nobody may name. */
int vm_disk_path(const char *key, const json_t *values, const char *store, char **ret, struct error *err);

/* Whether it is a volume of the store, and not a path. */
bool vm_disk_is_in_store(const json_t *values);

/* "raw", "qcow2": as it is given or, of a volume of the store, as its name says. */
const char *vm_disk_format(const json_t *values);

/* Whether the path names a device: all that lies below /dev, but for the files in /dev/shm. */
bool vm_disk_is_device(const char *path);

/* The limits under the names of QEMU's throttle groups: {"bps-total": 1048576}. The caller drops. */
json_t *vm_disk_limits(const json_t *values);

#endif
