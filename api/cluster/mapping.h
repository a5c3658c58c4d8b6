/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping: what PCI and USB mappings have in common.
 *
 * The handlers find their struct mapping_kind in the endpoint's .subject. */
#ifndef HOSTPCI_API_CLUSTER_MAPPING_H
#define HOSTPCI_API_CLUSTER_MAPPING_H

#include "api/endpoints.h"
#include "api/request.h"
#include "passthrough/mapping/mapping.h"

/* The document of the mapping {id}; ERROR_NOT_FOUND if there is none. */
int mapping_read_document(struct request *request, const struct mapping_kind *kind, json_t **ret,
                          struct error *err);

int mapping_run_list(struct request *request, json_t **ret, struct error *err);
int mapping_run_get(struct request *request, json_t **ret, struct error *err);
int mapping_run_create(struct request *request, json_t **ret, struct error *err);
int mapping_run_update(struct request *request, json_t **ret, struct error *err);
int mapping_run_delete(struct request *request, json_t **ret, struct error *err);

/* One difference between a mapping and the hardware of check-node. */
extern const struct schema mapping_check_properties[];

#define PARAMETER_MAPPING_ID                                                                                 \
    {.name = "id",                                                                                           \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pve-configid",                                                                               \
     .max_length = 128,                                                                                      \
     .text = "Name of the mapping."}
/* A constant initializer can take the address of another file's schema, but cannot copy it. */
#define PARAMETER_MAP(is_optional, entry)                                                                    \
    {.name = "map",                                                                                          \
     .type = SCHEMA_ARRAY,                                                                                   \
     .optional = (is_optional),                                                                              \
     .items = &(entry),                                                                                      \
     .text = "The devices. Those of the same node are alternatives, tried in this order."}
#define PARAMETER_DESCRIPTION                                                                                \
    {.name = "description", .type = SCHEMA_STRING, .optional = true, .max_length = 4096}
#define PARAMETER_DELETE                                                                                     \
    {.name = "delete",                                                                                       \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .format = "pve-configid-list",                                                                          \
     .max_length = 4096,                                                                                     \
     .text = "Settings to remove."}
#define PARAMETER_CHECK_NODE                                                                                 \
    {.name = "check-node",                                                                                   \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .format = "pve-node",                                                                                   \
     .text = "Compare each mapping with the hardware of this node."}

/* The properties of every reply about a mapping of type `kind`. */
#define MAPPING_PROPERTIES(kind)                                                                             \
    {.name = "type", .type = SCHEMA_STRING, .values = VALUES(kind)},                                         \
        {.name = "map",                                                                                      \
         .type = SCHEMA_ARRAY,                                                                               \
         .items = ITEMS(.type = SCHEMA_STRING),                                                              \
         .text = "The devices, one property string each."},                                                  \
        {.name = "description", .type = SCHEMA_STRING, .optional = true},                                    \
        {.name = "digest", .type = SCHEMA_STRING, .text = "Digest of the mapping, which changes with it."}

#endif
