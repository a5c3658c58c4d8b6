/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings of PCI devices: a name for alternatives of devices, an entry a node and device.
 *
 * A mapping is a document of kind "mapping-pci": {map: [entry], description?, mdev?,
 * live-migration-capable?}; an entry is an object {node, path, id, subsystem-id?, iommugroup?, description?}.
 * On the wire an entry is a property string. Contents are not compared with hardware when written (the node
 * may be down), but when checked and when a VM starts. */
#ifndef HOSTPCI_PASSTHROUGH_MAPPING_H
#define HOSTPCI_PASSTHROUGH_MAPPING_H

#include <jansson.h>

#include "hardware/pci.h"
#include "schema/endpoint.h"
#include "storage/storage.h"

#define MAPPING_PCI_KIND "mapping-pci"

/* The property string of an entry. */
extern const struct schema mapping_entry_schema;

/* {id, type, map: [string], digest, ...} of a document. */
json_t *mapping_describe(const char *id, const json_t *body);

/* The device paths of the mapping on one node, in order; empty if there is none. */
int mapping_list_paths(struct storage *storage, const char *id, const char *node, json_t **ret,
                       struct error *err);

/* [{severity, message}]: what is wrong with the mapping on the node whose inventory is given; empty if
 * nothing. */
json_t *mapping_check(const char *id, const json_t *body, const char *node,
                      const struct inventory *inventory);

/* `settings`: the parameters that were sent, as validated (map: array of property strings). Errors are
 * Proxmox's. */
int mapping_create(struct storage *storage, const char *id, const json_t *settings, struct error *err);
/* `remove`: names of settings to drop (NULL-terminated, may be NULL); `digest` may be NULL. */
int mapping_update(struct storage *storage, const char *id, const json_t *settings, char **remove,
                   const char *digest, struct error *err);
int mapping_delete(struct storage *storage, const char *id, struct error *err);

#endif
