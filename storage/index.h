/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Index tables answer questions across documents, such as which VMs name a device.
 *
 * Their rows are derived from the documents alone, in the transaction that changes a document, so they can be
 * rebuilt at any time. Storage does not know what is in a document: for each kind of document that has index
 * rows, storage_open is given a function that adds them. */
#ifndef HOSTPCI_STORAGE_INDEX_H
#define HOSTPCI_STORAGE_INDEX_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

struct storage;

/* A row says that its document names something on a node: */
enum index_table {
    INDEX_MAPPING_DEVICE, /* a PCI mapping has the device at the path `key`, of the type `named` */
    INDEX_VM_DEVICE,      /* a VM has at `key` the device `named` */
    INDEX_VM_MAPPING,     /* a VM has at `key` the PCI mapping `named` */
    INDEX_TABLES
};

/* Adds a row of the document. It replaces an earlier row of the same document, node and key (for a VM: and of
 * the same `named`). */
struct index_rows;
int index_add(struct index_rows *rows, enum index_table table, const char *node, const char *key,
              const char *named, struct error *err);

/* `add_rows` adds all rows of a document to the tables in `fills`. It must depend on nothing but its
 * arguments. The id of a VM must be a number. */
struct index_kind {
    const char *kind; /* NULL ends an array of them */
    bool fills[INDEX_TABLES];
    int (*add_rows)(const char *id, const json_t *body, struct index_rows *rows, struct error *err);
};

/* Array of the ids, in order, of the PCI mappings that name this device ("0000:01:00.0") or its whole slot
 * ("0000:01:00") on this node. */
int index_mappings_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                             struct error *err);

/* [{vmid, key}] of the VMs on this node that name the device or its slot, or a PCI mapping that does so on
 * this node; in order of VMs, then of keys. */
int index_vms_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                        struct error *err);

#endif
