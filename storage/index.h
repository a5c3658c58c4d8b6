/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Index tables: what is asked across documents, derived from them in the transaction that changes them. They
 * never refer across documents and can be made anew at any time.
 *
 * Of a VM (a document of kind "vm") counts what its hostpciN name in `config` and in `pending`. */
#ifndef HOSTPCI_STORAGE_INDEX_H
#define HOSTPCI_STORAGE_INDEX_H

#include <jansson.h>
#include <sqlite3.h>

#include "base/error.h"

struct storage;

/* Array of the ids of the PCI mappings that name this device ("0000:01:00.0") on this node, itself or by its
 * whole slot ("0000:01:00"), in order. */
int index_mappings_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                             struct error *err);

/* [{vmid, key}] of the VMs of this node that name the device in the same ways, or a PCI mapping that names it
 * on this node; in order of VMs, then of keys. */
int index_vms_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                        struct error *err);

/* For the room: inside a transaction, after the document changed; body NULL: it was deleted. */
int index_update(sqlite3 *db, const char *kind, const char *id, const json_t *body, struct error *err);

/* For the room: inside a transaction, all index tables from all documents. */
int index_rebuild(sqlite3 *db, struct error *err);

#endif
