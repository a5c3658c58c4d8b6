/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs in the storage: documents of the kind "vm" (vm/config/config.h), whose id is the VMID. */
#ifndef HOSTPCI_PASSTHROUGH_VM_DOCUMENT_H
#define HOSTPCI_PASSTHROUGH_VM_DOCUMENT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/storage.h"

/* The node that the VM is on. */
const char *vm_document_node(const json_t *document);

/* ERROR_FAILED "Configuration file 'nodes/N/qemu-server/ID.conf' does not exist", even if the VM is on
 * another node. ret_revision may be NULL; the caller drops. */
int vm_document_read(struct storage *storage, const char *node, long long vmid, json_t **ret,
                     int64_t *ret_revision, struct error *err);

/* ERROR_CONFLICT "unable to create VM 100 - VM 100 already exists on node 'n'" if the id is taken. */
int vm_document_check_free(struct storage *storage, long long vmid, struct error *err);

/* A new VM; the same error. Takes the document. */
int vm_document_create(struct storage *storage, long long vmid, json_t *document, struct error *err);

/* Adds to the set the change of the VM as it is at that revision. Takes the document. */
void vm_document_put(struct change_set *set, long long vmid, int64_t revision, json_t *document);

/* What a VM that runs has got by now is its configuration: the key has this value (NULL: it is gone), and is
 * not pending any more, unless something else became pending meanwhile. */
int vm_document_settle(struct storage *storage, const char *node, long long vmid, const char *key,
                       const char *value, struct error *err);

/* The ACL's entries on /vms/ID are deleted with the VM, so that a later VM of that id does not inherit them.
 */
int vm_document_delete(struct storage *storage, long long vmid, int64_t revision, struct error *err);

/* ERROR_FAILED "checksum mismatch (file change by other user?)" unless `digest` is the document's or NULL. */
int vm_document_check_digest(const json_t *document, const char *digest, struct error *err);

/* {VMID: document} of VMs on all nodes: at most `limit` of them, since thousands of documents are large,
 * beginning with the first whose id comes after `after` in the order of strings ("" for the very first). The
 * caller drops. */
int vm_document_list_after(struct storage *storage, const char *after, int limit, json_t **ret,
                           struct error *err);

#endif
