/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store as files: the folder of the storage `local`, which is root's, with those for images and discs in
 * it. vm/volume.h says which names there are.
 *
 * Whoever can write to a folder above it, or to one in it, is trusted as root is; nobody else is: a volume is
 * opened beneath the folder and through no link, must be a plain file, and have no other name. What lies in
 * the folder and has no name of a volume is left alone and not listed. */
#ifndef HOSTPCI_STORE_STORE_H
#define HOSTPCI_STORE_STORE_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "vm/volume.h"

#define STORE_FOLDER     "/var/lib/hostpci-storage"
#define STORE_LIST_LIMIT 65536 /* volumes; of more than these no list is made */

/* Makes the folder and those in it, root's and open to all for reading, where they are missing; `upload` in
 * it is for this user alone. */
int store_prepare(const char *folder, uid_t user, struct error *err);

/* Opens a volume as open(2) would with these flags. ERROR_NOT_FOUND "volume 'local:...' does not exist". */
int store_open(const char *folder, const struct vm_volume *volume, int flags, int *ret, struct error *err);

/* The same by its path from the folder on, and without looking at what it is. -1 and errno. */
int store_open_beneath(const char *folder, const char *place, int flags);

/* Makes an empty file of this name, for root alone, and the folder of the VM's images. ERROR_CONFLICT if
 * there is something of that name. */
int store_create(const char *folder, const struct vm_volume *volume, struct error *err);

/* Removes it, whatever it is, and the folder of the VM's images if it was the last one. ERROR_NOT_FOUND as of
 * store_open. */
int store_remove(const char *folder, const struct vm_volume *volume, struct error *err);

/* vm-100-disk-N with the lowest N of which there is no image in any format. */
int store_find_name(const char *folder, long long vmid, const char *format, struct vm_volume *ret,
                    struct error *err);

/* The bytes that a guest sees: of a qcow2 image as its header says, if it can be read, else the file's. */
uint64_t store_read_size(int file, const char *format);

/* [{volid, content, format, size, used, ctime, vmid?}] of all volumes, in no order; `used` is what they take
 * on the disk. Sizes of images that cannot be read are those of their files. An empty list if there is no
 * folder. */
int store_list(const char *folder, json_t **ret, struct error *err);

/* Bytes of the file system. -1 if the folder is not there. */
struct store_space {
    uint64_t total, used, available;
};
int store_measure(const char *folder, struct store_space *ret, struct error *err);

#endif
