/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of kernel modules that hostpci keeps, in two files of its own: one for modprobe(8) and one for
 * systemd-modules-load(8). Whatever else stands in these folders is the administrator's.
 *
 * In memory the settings are an object with these members, each of which may be missing:
 *
 *   ids                        of vfio-pci: "10de:2484,10de:228b"
 *   disable-vga, disable-idle-d3, allow-unsafe-interrupts     1 or 0
 *   options                    ["i915 enable_gvt=1", ...]
 *   blacklist, softdep         modules, comma-separated; softdep: vfio-pci is loaded before each
 *   modules                    that are loaded at boot, comma-separated
 *
 * A file whose text differs from what would be written for the settings in it was changed by hand,
 * and is left alone. Sources: modprobe.d(5), modules-load.d(5). */
#ifndef HOSTPCI_HARDWARE_SETTINGS_MODPROBE_H
#define HOSTPCI_HARDWARE_SETTINGS_MODPROBE_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/pci/inventory.h"

#define MODPROBE_FILE  "etc/modprobe.d/hostpci.conf"
#define MODULES_FILE   "etc/modules-load.d/hostpci.conf"

#define SETTINGS_LIMIT 16384 /* of a file that is read to be changed */

/* A file's exact text, which the caller frees; NULL if there is none. ERROR_FAILED also if it is longer than
 * SETTINGS_LIMIT or not UTF-8 text. */
int modprobe_read_file(const struct sysroot *sysroot, const char *file, char **ret, struct error *err);

/* Of the two files' texts (NULL: none). ERROR_CONFLICT names the first line that is not ours. */
int modprobe_parse(const char *modprobe, const char *modules, json_t **ret, struct error *err);

/* The two texts; NULL for a file that would say nothing. */
char *modprobe_print(const json_t *settings);
char *modprobe_print_modules(const json_t *settings);

/* Checks the form of each member, and that each module that a setting of `now` does not name yet is one of
 * VFIO's, or drives a function of this host: any other could be any part of the kernel. The error's field is
 * the member. */
int modprobe_check(const struct sysroot *sysroot, const struct inventory *inventory, const json_t *settings,
                   const json_t *now, struct error *err);

/* VENDOR:DEVICE, with up to four more parts, as vfio-pci's ids are; no part may be "any". */
bool modprobe_id_is_valid(const char *word);

/* Calls each(context, word) for the words of a comma-separated list (NULL: empty), until it returns
 * something other than 0. */
int modprobe_each(const char *list, int (*each)(void *context, const char *word), void *context);

#endif
