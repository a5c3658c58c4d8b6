/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of vm/config/ share; no other includes this. */
#ifndef HOSTPCI_VM_CONFIG_PARTS_H
#define HOSTPCI_VM_CONFIG_PARTS_H

#include "vm/config/config.h"

/* The key under which a value is stored: ide2 for cdrom, else the key itself. */
const char *vm_config_resolve(const char *key);

/* The names of an object's members in byte order; ends with NULL, freed with format_free_list. */
char **vm_config_sort(const json_t *object);

/* The stored form of a value, which reads back from a file as the same value. `key` may be an alias; errors
 * have it as their field. */
int vm_config_store(const char *key, const json_t *given, json_t **ret, struct error *err);

/* The stored form of everything that a change sets. Missing MACs and new generation ids are made. A value
 * that is not to be there (vmgenid=0, an empty description) is null. */
int vm_config_make(const struct vm_change *change, json_t **ret, struct error *err);

/* An error if the document as a file would be longer than vm_config_read takes. */
int vm_config_check_size(const json_t *document, struct error *err);

/* The boot order of a new VM: "order=scsi0;ide2;net0", or "" if it has nothing to boot from. */
char *vm_config_first_boot(const json_t *config);

/* The devices of boot's order, freed with format_free_list; NULL if boot is not set or is written in letters.
 */
char **vm_config_boot_order(const json_t *config);

/* An error if a device of boot's order is not there. */
int vm_config_check_boot(const json_t *config, struct error *err);

/* The new value of boot after a change: without the devices that are gone and with the CD-ROM drives that are
 * new. NULL if it stays as it is. */
char *vm_config_follow_boot(const json_t *before, const json_t *after);

#endif
