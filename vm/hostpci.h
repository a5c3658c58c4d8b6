/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostpciN: a device of the host that is given to a VM. This is its only parser. */
#ifndef HOSTPCI_VM_HOSTPCI_H
#define HOSTPCI_VM_HOSTPCI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

enum vm_id_override { VM_VENDOR_ID, VM_DEVICE_ID, VM_SUB_VENDOR_ID, VM_SUB_DEVICE_ID, VM_ID_OVERRIDES };

struct vm_hostpci {
    /* "0000:01:00.0", or "0000:01:00" for all functions of a device; ends with NULL. NULL if there is a
     * mapping. */
    char **hosts;
    char *mapping; /* NULL if there are hosts */
    bool pcie, rombar, x_vga, legacy_igd;
    bool keep_driver;                 /* driver=keep: the device is neither reset nor bound to vfio-pci */
    bool reattach;                    /* to their drivers, when the VM stops */
    char *romfile;                    /* a name below the ROM folder; NULL: the device's own */
    char *mdev;                       /* the type of a mediated device; NULL: the device itself */
    char *overrides[VM_ID_OVERRIDES]; /* "0x10de"; NULL: the device's own */
};

/* Reads a stored value and checks all rules that need no more than the value. The caller releases. */
int vm_hostpci_parse(const char *value, struct vm_hostpci *ret, struct error *err);
void vm_hostpci_release(struct vm_hostpci *hostpci);
#define autohostpci __attribute__((cleanup(vm_hostpci_release)))

/* Calls `visit` for every hostpciN of {KEY: VALUE}, to index or to list the devices and mappings that a VM
 * names. Unlike vm_hostpci_parse it also shows values that break a rule, as an older version may have stored
 * them: `hosts` and `mapping` may both be set, or neither. A value that its schema refuses is skipped. When a
 * visit fails, the others are not made and its error is returned. */
typedef int vm_hostpci_visit(void *context, const char *key, const struct vm_hostpci *hostpci,
                             struct error *err);
int vm_hostpci_foreach(const json_t *config, vm_hostpci_visit *visit, void *context, struct error *err);

/* The rules that depend on the machine and the display. `vga` is the type in the key vga; NULL if it has
 * none. */
int vm_hostpci_check(const struct vm_hostpci *hostpci, bool q35, const char *vga, struct error *err);

/* The name of the mediated device that hostpciN gets, made of N and the VMID, so that it can be found again.
 */
#define VM_UUID_SIZE 37
void vm_hostpci_uuid(unsigned index, unsigned vmid, char uuid[static VM_UUID_SIZE]);

#endif
