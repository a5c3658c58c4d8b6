/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: a document, its changes, and its form as a file.
 *
 * The document is {"node": NODE, "config": {KEY: VALUE}, "pending": {KEY: VALUE}, "delete": {KEY: 1 or 2}}.
 * `config` is what a running VM was started with. `pending` and `delete` (2: by force) are what its next
 * start changes of that; they are left out when they are empty, and no key is in both. Values are as stored:
 * integers for integers and booleans, strings for everything else, other numbers included. All are allowed by
 * vm_keys, except `meta` (creation-qemu=X.Y.Z,ctime=SECONDS), which a VM gets when it is created.
 *
 * Do not assume that what is stored fits together: a file or an older version may have left anything that the
 * schemas allow (vm/rules.h). A string may be empty: `boot` of a VM that has nothing to boot from.
 *
 * The same input always gives the same document: random bytes and the time are handed in. */
#ifndef HOSTPCI_VM_CONFIG_CONFIG_H
#define HOSTPCI_VM_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "vm/keys.h"

struct vm_fresh {
    unsigned char smbios[16], vmgenid[16]; /* random: the UUIDs of smbios1 and vmgenid */
    unsigned char nets[VM_NETS][6];        /* random: MACs of network cards that have none */
    const char *mac_prefix;                /* "BC:24:11", which MACs begin with; NULL: they are all random */
    const char *qemu;                      /* "7.2.0": the host's QEMU; NULL: unknown */
    const char *meta; /* the `meta` of a VM that is imported; NULL: make it from `qemu` and `now` */
    long long now;    /* seconds since 1970 */
};

struct vm_change {
    long long vmid;    /* whose configuration it is: its volumes become unusedN when they are dropped */
    const json_t *set; /* {KEY: VALUE} of vm_keys, each allowed by its schema */
    const char *const *remove; /* keys that go back to their defaults; ends with NULL, may be NULL */
    const char *const *revert; /* keys whose pending changes are forgotten; likewise */
    bool force;                /* remove them by force */
    bool skip_lock;            /* change it even if it is locked */
    bool running;              /* the VM runs: what it cannot take at once stays pending */
    const struct vm_fresh *fresh;
};

/* The document of a new VM, with what every VM gets (smbios1, vmgenid, boot order, MACs). */
int vm_config_create(const char *node, const struct vm_change *change, json_t **ret, struct error *err);

/* A new document from an old one, which stays as it is. Errors, in Proxmox's words: "no options specified";
 * "VM is locked (x)", unless the change only removes the lock; unknown options; a key both set and removed;
 * protection; what vm_value_store and vm_rules_check_change refuse; boot devices that are not there. */
int vm_config_change(const json_t *document, const struct vm_change *change, json_t **ret, struct error *err);

/* {KEY: VALUE} as the next start will see it, or with `current` as the last one did. The caller drops. */
json_t *vm_config_view(const json_t *document, bool current);

/* The same for a reply: an empty value is shown as a blank, a secret as asterisks. */
json_t *vm_config_show(const json_t *document, bool current);

/* [{key, value?, pending?, delete?}] for a reply, in order of the keys; values are of the same types as in
 * vm_config_show. The caller drops. */
json_t *vm_config_list_pending(const json_t *document);

/* Volumes of the store that VM `vmid` owns and that `before` names in its configuration or what is pending,
 * discs in drives aside, but `after` does not any more. The caller drops. */
json_t *vm_config_list_dropped(const json_t *before, const json_t *after, long long vmid);

/* Gives each of these the lowest free unusedN in `after`, unless it was an unusedN before that was removed;
 * and takes unusedN from a volume that another key names again. */
void vm_config_settle_volumes(const json_t *before, json_t *after, long long vmid);

/* The keys that a change sets, removes or reverts, each once and with aliases resolved (cdrom is ide2): the
 * caller of the API needs the privileges of each. Freed with format_free_list. */
char **vm_config_touched(const struct vm_change *change);

/* The document as a file, as Proxmox has it in ID.conf: `#TEXT` lines are the description, then come `key:
 * value` in the order of the keys, then [PENDING] with `delete: k,!k` if anything is pending. The caller
 * frees. */
char *vm_config_print(const json_t *document);

#define VM_CONFIG_LIMIT ((size_t)1 << 20) /* bytes of a file */

/* A document, without `node`, from a file. Left out are lines of another form, unknown keys, values that
 * their schemas refuse, volumes of other storages, devices in boot's order that were left out, and sections
 * other than [PENDING]; `warnings` (may be NULL) gets a line with the line number for each. So are volumes of
 * the store that `volumes` does not have ({"local:100/vm-100-disk-0.raw": ...}; NULL: all are there).
 * ERROR_INVALID if the file is too long or no text. */
int vm_config_read(const char *text, size_t length, const json_t *volumes, json_t **ret,
                   struct text *warnings, struct error *err);

#endif
