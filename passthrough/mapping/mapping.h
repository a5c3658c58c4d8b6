/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings: a mapping is a name for several devices, any of which will do. Each of its entries is
 * one device of one node.
 *
 * A mapping is a document {map: [entry], description?, ...}. An entry is an object {node, id, path, ...}
 * there and a property string in requests and replies. Mappings of PCI devices and of USB devices differ only
 * in what their struct mapping_kind says.
 *
 * Do not assume that an entry is current: it is not compared with the hardware when it is written, as its
 * node may be down. mapping_check and mapping_check_entry compare it. */
#ifndef HOSTPCI_PASSTHROUGH_MAPPING_MAPPING_H
#define HOSTPCI_PASSTHROUGH_MAPPING_MAPPING_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/pci/watch.h"
#include "hardware/sysfs.h"
#include "schema/endpoint.h"
#include "storage/storage.h"

/* The hardware of this node that mappings are compared with; the part that their kind needs. */
struct mapping_hardware {
    const struct sysroot *sysroot; /* borrowed; NULL: missing devices are not explained */
    struct inventory *pci;
    json_t *usb; /* as usb_list gives it */
};

struct mapping_kind {
    const char *type;            /* "pci", in paths and in replies */
    const char *document;        /* the kind of their documents in the storage */
    const char *name;            /* "PCI", in messages */
    const struct schema *entry;  /* the schema of an entry */
    const char *const *settings; /* members of a mapping besides map; ends with NULL */
    /* The caller releases *ret with mapping_release_hardware. */
    int (*read_hardware)(const struct sysroot *sysroot, struct inventory_source *inventory,
                         struct mapping_hardware *ret, struct error *err);
    /* Adds a string for each difference between the entry and the hardware. */
    void (*compare)(const char *mapping, const json_t *entry, const struct mapping_hardware *hardware,
                    json_t *differences);
};
extern const struct mapping_kind mapping_pci, mapping_usb;
extern const struct schema mapping_pci_entry, mapping_usb_entry;

/* {id, type, map: [string], digest, ...} for a reply. */
json_t *mapping_describe(const struct mapping_kind *kind, const char *id, const json_t *body);

/* The paths of the PCI mapping's devices on one node, in order; empty if there is no such mapping. */
int mapping_list_paths(struct storage *storage, const char *id, const char *node, json_t **ret,
                       struct error *err);

/* Whether the hardware of the entry's node still is what the entry says. The error names all differences:
 * "PCI device mapping invalid (hardware probably changed): ...; ..." */
int mapping_check_entry(const struct mapping_kind *kind, const char *id, const json_t *entry,
                        const struct mapping_hardware *hardware, struct error *err);

/* [{severity, message}]: what is wrong with the mapping on the node whose hardware is given, a row for each
 * difference; empty if nothing is. */
json_t *mapping_check(const struct mapping_kind *kind, const char *id, const json_t *body, const char *node,
                      const struct mapping_hardware *hardware);
void mapping_release_hardware(struct mapping_hardware *hardware);
#define autohardware __attribute__((cleanup(mapping_release_hardware)))

/* `settings` are the parameters of the request, as validated: `map` is an array of property strings. Errors
 * are Proxmox's. */
int mapping_create(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, struct error *err);
/* `remove` are names of settings to drop (ends with NULL, may be NULL). `digest` is compared with the
 * document's if it is not NULL. */
int mapping_update(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   const json_t *settings, char **remove, const char *digest, struct error *err);
int mapping_delete(const struct mapping_kind *kind, struct storage *storage, const char *id,
                   struct error *err);

/* Adds the PCI function of this node, or all functions of the device whose function 0 it is, as the last
 * entry of the mapping, which is created if it does not exist, and sets its description unless that is NULL.
 * An error if the mapping names the device already. */
int mapping_add_device(struct storage *storage, const char *id, const char *node,
                       const struct pci_device *device, bool all_functions, const char *description,
                       struct error *err);

#endif
