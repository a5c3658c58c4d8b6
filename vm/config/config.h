/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: a document, its changes, and its form as a file.
 *
 * The document is {"node": NODE, "config": {KEY: VALUE}, "pending": {KEY: VALUE}, "delete": {KEY: 1 or 2}}.
 * `config` is what a running VM was started with, `pending` and `delete` (2: by force) are what its next
 * start takes; both are left out when empty. Values are as stored: integers for integers and booleans, else
 * strings, numbers among them. A string may be empty: `boot` of a VM that has nothing to start from. Beside
 * vm_keys `config` may have `meta`, which no client sets: creation-qemu=X.Y.Z,ctime=SECONDS.
 *
 * Pure: what is random or of this moment is handed in. */
#ifndef HOSTPCI_VM_CONFIG_CONFIG_H
#define HOSTPCI_VM_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "vm/keys.h"

struct vm_fresh {
    unsigned char smbios[16], vmgenid[16]; /* random: the UUIDs of smbios1 and vmgenid */
    unsigned char nets[VM_NETS][6];        /* random: MACs of cards that have none */
    const char *mac_prefix;                /* "BC:24:11": their first bytes; NULL: none */
    const char *qemu;                      /* "7.2.0": the host's QEMU; NULL: unknown */
    long long now;                         /* seconds since 1970 */
};

struct vm_change {
    const json_t *set;         /* {KEY: VALUE} of vm_keys, each allowed by its schema */
    const char *const *remove; /* ends with NULL, may be NULL: back to the default */
    const char *const *revert; /* the same: pending changes to forget */
    bool force;                /* of remove */
    bool skip_lock;            /* as if it were not locked */
    bool running;              /* what such a VM cannot take at once stays pending */
    const struct vm_fresh *fresh;
};

/* The document of a new VM, with what is added to each (identity, firmware generation, boot order, MACs). */
int vm_config_create(const char *node, const struct vm_change *change, json_t **ret, struct error *err);

/* A new document from an old one, which stays as it is. Errors, in Proxmox's words: "no options specified",
 * "VM is locked (x)" unless the change is to remove the lock and nothing else, unknown options, a key both
 * set and removed, protection, what vm_value_store refuses, what does not fit together (balloon above memory,
 * boot devices that are not there). */
int vm_config_change(const json_t *document, const struct vm_change *change, json_t **ret, struct error *err);

/* {KEY: VALUE} as the next start will see it, or (`current`) as the last one did. The caller drops. */
json_t *vm_config_view(const json_t *document, bool current);

/* The same for a reply: an empty value reads as a blank, a secret as asterisks. */
json_t *vm_config_show(const json_t *document, bool current);

/* [{key, value?, pending?, delete?}] for a reply, in order of the keys; all values are strings. The caller
 * drops. */
json_t *vm_config_list_pending(const json_t *document);

/* The keys that a change touches, to ask for the privileges of each: those set, removed and reverted, once
 * each, aliases resolved (cdrom is ide2). The caller frees with format_free_list. */
char **vm_config_touched(const struct vm_change *change);

/* VM ID.conf: `#TEXT` lines are the description, then `key: value` in order of the keys, then [PENDING] with
 * `delete: k,!k` if there is any. The caller frees. */
char *vm_config_print(const json_t *document);

#define VM_CONFIG_LIMIT ((size_t)1 << 20) /* bytes of a file */

/* The same back, as a document without `node`. Lines that are none, unknown keys, values that their schemas
 * refuse, and sections other than [PENDING] are left out, with a warning in `warnings` (a line each, with
 * its number; may be NULL). ERROR_INVALID: too long, or no text. */
int vm_config_read(const char *text, size_t length, json_t **ret, struct text *warnings, struct error *err);

#endif
