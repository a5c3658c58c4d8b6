/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci: mappings of PCI devices. */
#include "api/cluster/mapping.h"

#define MAPPING_SETTINGS                                                                                     \
    PARAMETER_DESCRIPTION,                                                                                   \
        {.name = "mdev",                                                                                     \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .fallback = "0",                                                                                    \
         .text = "VMs get mediated devices of these devices, not the devices themselves."},                  \
        {.name = "live-migration-capable",                                                                   \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .fallback = "0",                                                                                    \
         .text = "The devices and their drivers can be migrated with a running VM."}

const struct endpoint endpoint_list_mapping_pci = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci",
    .text = "Lists the PCI mappings that the caller may use, change or see.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_CHECK_NODE),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no PCI mappings, or none that the caller may see.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "id", .type = SCHEMA_STRING, .format = "pve-configid"},
                       MAPPING_PROPERTIES("pci"), {.name = "mdev", .type = SCHEMA_BOOLEAN, .optional = true},
                       {.name = "live-migration-capable", .type = SCHEMA_BOOLEAN, .optional = true},
                       {.name = "checks",
                        .type = SCHEMA_ARRAY,
                        .optional = true,
                        .text = "With check-node: what is wrong with the mapping; empty if nothing is.",
                        .items = ITEMS(.type = SCHEMA_OBJECT, .properties = mapping_check_properties)}))},
    .may_block = true,
    .subject = &mapping_pci,
    .run = mapping_run_list,
};

const struct endpoint endpoint_get_mapping_pci = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/pci/{id}",
    .text = "Shows one PCI mapping.",
    .permission = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Use"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
                           ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Audit")),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    MAPPING_PROPERTIES("pci"), {.name = "mdev", .type = SCHEMA_BOOLEAN, .optional = true},
                    {.name = "live-migration-capable", .type = SCHEMA_BOOLEAN, .optional = true})},
    .subject = &mapping_pci,
    .run = mapping_run_get,
};

const struct endpoint endpoint_create_mapping_pci = {
    .method = METHOD_POST,
    .path = "/cluster/mapping/pci",
    .text = "Creates a PCI mapping. It is compared with the hardware when it is checked or used, not now.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(false, mapping_pci_entry), MAPPING_SETTINGS),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_pci,
    .run = mapping_run_create,
};

const struct endpoint endpoint_update_mapping_pci = {
    .method = METHOD_PUT,
    .path = "/cluster/mapping/pci/{id}",
    .text = "Changes a PCI mapping. `map` is always required and replaces all entries.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(true, mapping_pci_entry), MAPPING_SETTINGS,
                             PARAMETER_DELETE, PARAMETER_DIGEST),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_pci,
    .run = mapping_run_update,
};

const struct endpoint endpoint_delete_mapping_pci = {
    .method = METHOD_DELETE,
    .path = "/cluster/mapping/pci/{id}",
    .text = "Deletes a PCI mapping. Deleting one that does not exist succeeds.",
    .permission = ALLOW_PRIVILEGE("/mapping/pci", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_pci,
    .run = mapping_run_delete,
};
