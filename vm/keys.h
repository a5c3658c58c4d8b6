/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a VM's configuration, a row each: what a value looks like, who may change it, what it is.
 *
 * The same rows are the parameters of POST /nodes/{node}/qemu and PUT .../config, the check of a
 * configuration file, and what vm/command/command.c reads. Names, types, limits and privileges are Proxmox's.
 * Some keys are kept although nothing here uses them (cloud-init, migration speed), so that a configuration
 * that comes from there stays whole. */
#ifndef HOSTPCI_VM_KEYS_H
#define HOSTPCI_VM_KEYS_H

#include "schema/endpoint.h"

#define VM_ID_MIN    100
#define VM_ID_MAX    999999999
#define VM_HOSTPCI   16
#define VM_NETS      32
#define VM_USBS      14
#define VM_SERIALS   4
#define VM_IDES      4
#define VM_SATAS     6
#define VM_SCSIS     31
#define VM_VIRTIOS   16
#define VM_NUMAS     8
#define VM_IPCONFIG  32
#define VM_CPU_LIMIT 1024 /* processors of a VM */
#define VM_PARALLELS 3
#define VM_UNUSEDS   256
#define VM_VIRTIOFS  10

/* Who may change a key, beside root@pam; see access/ for what the names mean. */
enum vm_privilege {
    VM_ROOT, /* root@pam alone */
    VM_DISK,
    VM_CDROM,
    VM_CPU,
    VM_MEMORY,
    VM_NETWORK,
    VM_HARDWARE,
    VM_OPTIONS,
    VM_CLOUDINIT,
};

enum vm_kind {
    VM_PLAIN,
    VM_DRIVE, /* ide, sata, scsi, virtio: a volume at a guest's bus */
    VM_EFIDISK,
    VM_NET,
    VM_USB,
    VM_PCI,
    VM_UNUSED, /* kept for what it came from; a VM that has it cannot be started here */
};

/* What a row's `about` points to. */
struct vm_key {
    enum vm_kind kind;
    enum vm_privilege privilege;
    bool at_once; /* a running VM takes a new value without a restart, as nothing of QEMU depends on it */
};

/* Ends as every list does: an endpoint's parameters go on with it by {.name = NULL, .more = vm_keys}. */
extern const struct schema vm_keys[];

/* Finds "hostpci3" too, its index in *ret_index (may be NULL; -1 for a key without one). NULL if there is no
 * such key. */
const struct schema *vm_key_find(const char *name, int *ret_index);

/* "hostpci3": one of an indexed key's names, by value; also the id of a device in a command line. */
struct vm_key_name {
    char text[32];
};
struct vm_key_name vm_key_name(const char *stem, unsigned index);

/* Kind and privilege of a row of vm_keys. */
const struct vm_key *vm_key_about(const struct schema *key);

#endif
