/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of mdevctl, which keep mediated devices over a reboot: /etc/mdevctl.d/PARENT/UUID, one for each.
 * mdevctl's own commands and its udev rule read and write the same files, so both agree.
 *
 * A file is a JSON object: {"mdev_type": TYPE, "start": "auto" or "manual", "attrs": [{NAME: VALUE}, ...]}.
 * The attributes are files below the device's folder in sysfs, written in their order after it was created.
 * Other members of the object, and their order, are preserved. Source: mdevctl(8) of mdevctl 1.2. */
#ifndef HOSTPCI_HARDWARE_SLICE_MDEVCTL_H
#define HOSTPCI_HARDWARE_SLICE_MDEVCTL_H

#include <jansson.h>

#include "hardware/sysfs.h"

#define ETC_MDEVCTL        "etc/mdevctl.d"
#define MDEVCTL_FILE_LIMIT 16384 /* bytes */

/* In all functions `parent` is a PCI id as pci_address_format writes it and `uuid` as mdev_parse_uuid does.
 */

/* The whole text of its file, which the caller frees; NULL if there is none. ERROR_FAILED if it is not such
 * an object; the message names the file. */
int mdevctl_read(const struct sysroot *sysroot, const char *parent, const char *uuid, char **ret,
                 struct error *err);

/* Replaces the file's text, atomically and durably, and makes its folders; NULL deletes it. */
int mdevctl_replace(const struct sysroot *sysroot, const char *parent, const char *uuid, const char *text,
                    struct error *err);

/* The text of a file: `former` (one that mdevctl_read gave, or NULL) with this type and "start": "auto". */
char *mdevctl_compose(const char *former, const char *type);

/* Of a text that mdevctl_read gave: its type, which the caller frees, and its attributes, [{NAME: VALUE}]. */
char *mdevctl_type(const char *text);
json_t *mdevctl_attributes(const char *text);

/* An attribute is a file below the device's folder. */
bool mdevctl_attribute_is_valid(const char *name);

/* [{parent, uuid, type, start}] of all files, sorted by parent and uuid. A file that is not such an object
 * has `error`, the reason, instead of type and start. Folders and files with other names are left out. */
int mdevctl_list(const struct sysroot *sysroot, json_t **ret, struct error *err);

#endif
