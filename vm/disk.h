/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ideN, sataN, scsiN, virtioN: disks and CD-ROM drives. */
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

/* The path of the volume; NULL if the drive is empty. ERROR_INVALID if the volume is in a storage pool. */
int vm_disk_path(const char *key, const json_t *values, const char **ret, struct error *err);

/* The limits under the names of QEMU's throttle groups: {"bps-total": 1048576}. The caller drops. */
json_t *vm_disk_limits(const json_t *values);

#endif
