/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a configuration has no command line, where a caller can do something about it: the reason of the errors
 * of vm_hostpci_check, vm_rules_check and vm_command_build. Their field is the key that is refused. */
#ifndef HOSTPCI_VM_REFUSAL_H
#define HOSTPCI_VM_REFUSAL_H

#include "base/error.h"

enum vm_refusal {
    VM_REFUSED, /* the message alone says why */
    VM_NEEDS_Q35,
    VM_NEEDS_I440FX,
    VM_NEEDS_OTHER_VERSION, /* this QEMU does not have the machine's */
    VM_NEEDS_NO_AW_BITS,
    VM_NEEDS_OTHER_AW_BITS,
    VM_NEEDS_NO_VIOMMU,
    VM_NEEDS_NO_VGA, /* vga: none */
    VM_NEEDS_NUMA,
    VM_NEEDS_SPICE_MODULES, /* of QEMU */
    VM_NEEDS_OPENGL_MODULES,
};

/* The package of Debian that has these modules. */
#define VM_PACKAGE_SPICE  "qemu-system-modules-spice"
#define VM_PACKAGE_OPENGL "qemu-system-modules-opengl"

/* Makes it an error about that key, with "KEY: " in front. */
int vm_refuse_key(const char *key, struct error *err);

#endif
