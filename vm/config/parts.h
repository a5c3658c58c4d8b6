/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files config*.c share; nothing else includes this. */
#ifndef HOSTPCI_VM_CONFIG_PARTS_H
#define HOSTPCI_VM_CONFIG_PARTS_H

#include "vm/config/config.h"

/* The key that a value is kept under: ide2 for cdrom. */
const char *vm_config_resolve(const char *key);

/* The names of an object's members in byte order; ends with NULL, freed with format_free_list. */
char **vm_config_sort(const json_t *object);

/* The stored form of a value: what reads back from a file as the same. `key` may be an alias. Errors have it
 * as their field. */
int vm_config_store(const char *key, const json_t *given, json_t **ret, struct error *err);

/* What a client sets, under the keys that it is kept under. A missing MAC and a new generation id are made;
 * null is what is not to be there (vmgenid=0, an empty description). */
int vm_config_make(const struct vm_change *change, json_t **ret, struct error *err);

/* As a file it must not be longer than vm_config_read takes. */
int vm_config_check_size(const json_t *document, struct error *err);

/* What a new VM starts from: "order=scsi0;ide2;net0", "" if it has none of them. */
char *vm_config_first_boot(const json_t *config);

/* The devices of boot's order must all be there. */
int vm_config_check_boot(const json_t *config, struct error *err);

/* boot with what was taken away between the two views left out and CD-ROMs that came added; NULL: it stays as
 * it is. */
char *vm_config_follow_boot(const json_t *before, const json_t *after);

#endif
