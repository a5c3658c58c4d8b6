/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of volumes in the store: the storage `local`, in which clients make disks and keep ISO images. Its
 * names and its folder are those of a storage of type dir in Proxmox VE:
 *
 *   local:100/vm-100-disk-0.qcow2   an image that VM 100 owns   FOLDER/images/100/vm-100-disk-0.qcow2
 *   local:iso/debian-13.iso         a disc                      FOLDER/template/iso/debian-13.iso
 *
 * Nothing here looks at a file (store/store.h does). What parses has neither blanks nor commas nor quotes nor
 * a dot at a name's beginning, and leads to no other folder. */
#ifndef HOSTPCI_VM_VOLUME_H
#define HOSTPCI_VM_VOLUME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define VM_STORE             "local"
#define VM_VOLUME_NAME_LIMIT 200

struct vm_volume {
    enum { VM_CONTENT_IMAGES, VM_CONTENT_ISO } content;
    long long vmid;                      /* whose image it is; 0: a disc */
    const char *format;                  /* "raw", "qcow2"; what its name ends in decides */
    char name[VM_VOLUME_NAME_LIMIT + 1]; /* "vm-100-disk-0.qcow2" */
};

/* Whether it has the form STORAGE:... with this storage. The rest need not be right. */
bool vm_volume_is_in_store(const char *id);

/* ERROR_INVALID: "unable to parse volume ID 'x'", "storage 'x' does not exist". */
int vm_volume_parse(const char *id, struct vm_volume *ret, struct error *err);

/* The same of a file's name in the folder of a VM's images, or in that of the discs (vmid 0). */
bool vm_volume_name(long long vmid, const char *name, struct vm_volume *ret);

#define VM_VOLUME_MOST_BYTES ((unsigned long long)128 << 40)

/* Whether it asks for a new disk of a size in GiB: "local:32", "local:0.5". The size is in bytes, rounded up
 * to whole KiB; ERROR_INVALID if that is nothing or more than VM_VOLUME_MOST_BYTES. */
bool vm_volume_is_new(const char *id);
int vm_volume_parse_new(const char *id, unsigned long long *ret, struct error *err);

/* "local:100/vm-100-disk-0.qcow2". The caller frees. */
char *vm_volume_print(const struct vm_volume *volume);

/* "images/100/vm-100-disk-0.qcow2": from the store's folder on. The caller frees. */
char *vm_volume_place(const struct vm_volume *volume);

#endif
