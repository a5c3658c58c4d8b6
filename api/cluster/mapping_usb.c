/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/usb: mappings of USB devices. */
#include "api/cluster/mapping.h"

const struct endpoint endpoint_list_mapping_usb = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/usb",
    .text = "Lists the USB mappings that the caller may use, change or see.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_CHECK_NODE),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no USB mappings, or none that the caller may see.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "id", .type = SCHEMA_STRING, .format = "pve-configid"},
                       MAPPING_PROPERTIES("usb"),
                       {.name = "errors",
                        .type = SCHEMA_ARRAY,
                        .optional = true,
                        .text = "With check-node: what is wrong with the mapping; empty if nothing is.",
                        .items = ITEMS(.type = SCHEMA_OBJECT, .properties = mapping_check_properties)}))},
    .may_block = true,
    .subject = &mapping_usb,
    .run = mapping_run_list,
};

const struct endpoint endpoint_get_mapping_usb = {
    .method = METHOD_GET,
    .path = "/cluster/mapping/usb/{id}",
    .text = "Shows one USB mapping.",
    .permission = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/usb/{id}", "Mapping.Audit"),
                           ALLOW_PRIVILEGE("/mapping/usb/{id}", "Mapping.Use"),
                           ALLOW_PRIVILEGE("/mapping/usb/{id}", "Mapping.Modify")),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES(MAPPING_PROPERTIES("usb"))},
    .subject = &mapping_usb,
    .run = mapping_run_get,
};

const struct endpoint endpoint_create_mapping_usb = {
    .method = METHOD_POST,
    .path = "/cluster/mapping/usb",
    .text = "Creates a USB mapping. It is compared with the hardware when it is checked or used, not now.",
    .permission = ALLOW_PRIVILEGE("/mapping/usb", "Mapping.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(false, mapping_usb_entry), PARAMETER_DESCRIPTION),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_usb,
    .run = mapping_run_create,
};

const struct endpoint endpoint_update_mapping_usb = {
    .method = METHOD_PUT,
    .path = "/cluster/mapping/usb/{id}",
    .text = "Changes a USB mapping. `map` is always required and replaces all entries.",
    .permission = ALLOW_PRIVILEGE("/mapping/usb/{id}", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID, PARAMETER_MAP(false, mapping_usb_entry),
                             PARAMETER_DESCRIPTION, PARAMETER_DELETE, PARAMETER_DIGEST),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_usb,
    .run = mapping_run_update,
};

const struct endpoint endpoint_delete_mapping_usb = {
    .method = METHOD_DELETE,
    .path = "/cluster/mapping/usb/{id}",
    .text = "Deletes a USB mapping. Deleting one that does not exist succeeds.",
    .permission = ALLOW_PRIVILEGE("/mapping/usb", "Mapping.Modify"),
    .parameters = PROPERTIES(PARAMETER_MAPPING_ID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .subject = &mapping_usb,
    .run = mapping_run_delete,
};
