/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disk images of which somebody else than root@pam may make a VM's disk.
 *
 * The header of an image can name another file, which QEMU opens then, and a guest can write any header into
 * its disk. So what counts is the header of the very file that QEMU is to get, by its descriptor: asked when
 * a volume is configured, and to be asked again when the VM starts. Source: docs/interop/qcow2.txt of QEMU.
 */
#ifndef HOSTPCI_VM_IMAGE_H
#define HOSTPCI_VM_IMAGE_H

#include <stdbool.h>

#include "base/error.h"

/* The others than raw can be of any kind. */
bool vm_image_is_known_format(const char *format); /* raw, qcow2 */

/* `file` is an open descriptor, which must be readable if the format is qcow2. ERROR_FORBIDDEN if it is
 * neither a file nor a block device, has other names (hard links, which may lie anywhere), is of another
 * format, or names another file for its data or as its backing file. What is no image of the format is fine:
 * QEMU refuses it. The message is the end of a sentence that names the volume: "has a backing file". */
int vm_image_check(int file, const char *format, struct error *err);

#endif
