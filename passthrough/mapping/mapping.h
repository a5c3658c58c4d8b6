/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings: a name for alternatives of devices, an entry a node and device.
 *
 * There are two kinds, of PCI and of USB devices, which differ in what struct mapping_kind says. A mapping is
 * a document: {map: [entry], description?, ...}; an entry is an object {node, id, path, ...}. On the wire an
 * entry is a property string. Contents are not compared with hardware when written (the node may be down),
 * but when checked and when a VM starts. */
#ifndef HOSTPCI_PASSTHROUGH_MAPPING_MAPPING_H
#define HOSTPCI_PASSTHROUGH_MAPPING_MAPPING_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/pci/watch.h"
#include "hardware/sysfs.h"
#include "schema/endpoint.h"
#include "storage/storage.h"

/* The hardware of this node that mappings are compared with: what their kind needs of it. */
struct mapping_hardware {
    struct inventory *pci;
    json_t *usb; /* as usb_list gives it */
};

struct mapping_kind {
    const char *type;            /* "pci": part of the path, and `type` of a reply */
    const char *document;        /* the kind of its documents */
    const char *name;            /* "PCI", in messages */
    const struct schema *entry;  /* the property string of an entry */
    const char *const *settings; /* what a mapping has besides map; ends with NULL */
    int (*read_hardware)(const struct sysroot *sysroot, struct inventory_source *inventory,
                         struct mapping_hardware *ret, struct error *err); /* mapping_release_hardware */
    int (*check)(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                 struct error *err); /* the error is what is wrong */
};
extern const struct mapping_kind mapping_pci, mapping_usb;
extern const struct schema mapping_pci_entry, mapping_usb_entry;

/* {id, type, map: [string], digest, ...} of a document. */
json_t *mapping_describe(const struct mapping_kind *kind, const char *id, const json_t *body);

/* The device paths of the PCI mapping on one node, in order; empty if there is none. */
int mapping_list_paths(struct storage *storage, const char *id, const char *node, json_t **ret,
                       struct error *err);

/* Whether the hardware of the entry's node still is what the entry says. The error reads "PCI device mapping
 * invalid (hardware probably changed): ..." */
int mapping_check_entry(const struct mapping_kind *kind, const char *id, const json_t *entry,
                        const struct mapping_hardware *hardware, struct error *err);

/* [{severity, message}]: what is wrong with the mapping on the node whose hardware is given; empty if nothing
 * is. */
json_t *mapping_check(const struct mapping_kind *kind, const char *id, const json_t *body, const char *node,
                      const struct mapping_hardware *hardware);
void mapping_release_hardware(struct mapping_hardware *hardware);
#define autohardware __attribute__((cleanup(mapping_release_hardware)))

/* `settings`: the parameters that were sent, as validated (map: array of property strings). Errors are
 * Proxmox's. */
int mapping_create(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, struct error *err);
/* `remove`: names of settings to drop (NULL-terminated, may be NULL); `digest` may be NULL. */
int mapping_update(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, char **remove, const char *digest, struct error *err);
int mapping_delete(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   struct error *err);

/* Adds the PCI device of this node as the last entry, and makes the mapping if there is none; with
 * `description` (may be NULL) given it gets that. An error if it names the device already. */
int mapping_add_device(struct storage *storage, const char *id, const char *node,
                       const struct pci_device *device, const char *description, struct error *err);

#endif
