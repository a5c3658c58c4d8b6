/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a VM's configuration: one table, a row a key.
 *
 * A row says everything about a key that concerns no other key: its schema, who may change it, what kind of
 * value it has, when a change takes effect. The parameters of POST /nodes/{node}/qemu and PUT .../config, the
 * check of a configuration file, the check before a start, and the privileges that a change takes all come
 * from it. What keys demand of each other is in vm/rules.c; what they become on QEMU's command line in
 * vm/command/.
 *
 * Names, types, limits and privileges are Proxmox's. Some keys have no use here (cloud-init, migration speed)
 * and are kept, so that a configuration that comes from there stays whole. */
#ifndef HOSTPCI_VM_KEYS_H
#define HOSTPCI_VM_KEYS_H

#include "schema/endpoint.h"

#define VM_ID_MIN         100
#define VM_ID_MAX         999999999
#define VM_HOSTPCI        16
#define VM_NETS           32
#define VM_USBS           14
#define VM_SERIALS        4
#define VM_IDES           4
#define VM_SATAS          6
#define VM_SCSIS          31
#define VM_VIRTIOS        16
#define VM_NUMAS          8
#define VM_IPCONFIG       32
#define VM_PARALLELS      3
#define VM_UNUSEDS        256
#define VM_VIRTIOFS       10

#define VM_CPU_LIMIT      1024 /* processors of a VM */
#define VM_DEFAULT_MEMORY 512  /* MiB */
#define VM_STATIC_MEMORY  1024 /* MiB that a VM with pluggable memory starts with */

/* The privilege that changing a key takes; root@pam has them all. api/qemu/access.c knows their names. */
enum vm_privilege {
    VM_PRIVILEGE_ROOT, /* root@pam alone */
    VM_PRIVILEGE_DISK,
    VM_PRIVILEGE_CDROM,
    VM_PRIVILEGE_CPU,
    VM_PRIVILEGE_MEMORY,
    VM_PRIVILEGE_NETWORK,
    VM_PRIVILEGE_HARDWARE,
    VM_PRIVILEGE_OPTIONS,
    VM_PRIVILEGE_CLOUDINIT,
};

/* What a key's values are: how they are stored (vm/value.c), and whether it depends on the value who may set
 * it (api/qemu/access.c). */
enum vm_kind {
    VM_KIND_PLAIN,
    VM_KIND_HOSTPCI,
    VM_KIND_USB,
    VM_KIND_NET,
    VM_KIND_DISK, /* ideN, sataN, scsiN, virtioN: a volume on a bus of the guest */
    VM_KIND_EFIDISK,
    VM_KIND_VOLUME, /* another volume */
    VM_KIND_SERIAL,
    VM_KIND_RNG,
    VM_KIND_BOOT,
    VM_KIND_STARTUP,
    VM_KIND_TAGS,
    VM_KIND_SECRET, /* is never shown again */
    VM_KINDS,
};

/* When a changed value takes effect. */
enum vm_effect {
    VM_EFFECT_START, /* when the VM starts; while it runs, the change stays pending */
    VM_EFFECT_NOW,   /* also while it runs, since nothing of QEMU depends on it */
    VM_EFFECT_NEVER, /* it is kept for a configuration that came with it; a VM that has it cannot be started
                      */
};

/* What a row's `about` points to. */
struct vm_key {
    enum vm_kind kind;
    enum vm_privilege privilege;
    enum vm_effect effect;
};

/* Ends as every list of parameters does, so that those of an endpoint can go on with these: {.name = NULL,
 * .more = vm_keys}. */
extern const struct schema vm_keys[];

/* The parts of `meta`, the origin of a VM, which is set when it is created and never changed. */
extern const struct schema vm_meta_keys[];

/* The row of a key; of "hostpci3" the row of hostpci[n], with 3 in *ret_index (may be NULL; -1 for a key
 * without an index). NULL if there is no such key. */
const struct schema *vm_key_find(const char *name, int *ret_index);

/* "hostpci3": one of an indexed key's names, by value; also the id of a device in a command line. */
struct vm_key_name {
    char text[32];
};
struct vm_key_name vm_key_name(const char *stem, unsigned index);

/* The name without its index: "hostpci" of "hostpci3" is true, "numa" of "numa" too. */
bool vm_key_has_stem(const char *name, const char *stem);

/* Whether its values name a volume. */
bool vm_key_names_volume(const struct schema *key);

const struct vm_key *vm_key_about(const struct schema *key);

#endif
