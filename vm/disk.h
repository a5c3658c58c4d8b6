/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ideN, sataN, scsiN, virtioN: disks and CD-ROM drives. */
#ifndef HOSTPCI_VM_DISK_H
#define HOSTPCI_VM_DISK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Reads a stored value into its keys, with the rules that concern several of them: limits that exclude each
 * other, what a CD-ROM cannot have. The caller drops. */
int vm_disk_parse(const char *key, const char *value, json_t **ret, struct error *err);

/* media=cdrom, or the files none and cdrom, which nothing else can have. */
bool vm_disk_is_cdrom(const json_t *values);

/* The path of a volume: NULL for none. ERROR_INVALID if it is in a storage pool. */
int vm_disk_path(const char *key, const json_t *values, const char **ret, struct error *err);

/* The limits, as QEMU's throttle groups name them: {"bps-total": 1048576}. */
json_t *vm_disk_limits(const json_t *values);

#endif
