/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The declarations of all endpoints, for the files that hold them and for the table. */
#ifndef HOSTPCI_API_ENDPOINTS_H
#define HOSTPCI_API_ENDPOINTS_H

#include "schema/endpoint.h"

#define ENDPOINT(name) extern const struct endpoint name;
#include "api/endpoints.def"
#undef ENDPOINT

/* Parameters that many endpoints have. */
#define PARAMETER_NODE                                                                                       \
    {.name = "node", .type = SCHEMA_STRING, .format = "pve-node", .text = "Name of the node."}
#define PARAMETER_PCI_ID                                                                                     \
    {.name = "pci-id-or-mapping",                                                                            \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pci-id",                                                                                     \
     .text = "PCI id of the device, with or without the domain."}
#define PARAMETER_DIGEST                                                                                     \
    {.name = "digest",                                                                                       \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .max_length = 64,                                                                                       \
     .text = "Fail if the configuration's digest is no longer this one."}

/* What endpoints that begin a task return. */
#define RETURNS_UPID                                                                                         \
    {.type = SCHEMA_STRING,                                                                                  \
     .format = "pve-task-upid",                                                                              \
     .text = "UPID of the task. /nodes/{node}/tasks/{upid} has its log and its status."}

/* Properties of replies that are left out if the host does not provide them. */
#define OPTIONAL_TEXT(key, about)   {.name = (key), .type = SCHEMA_STRING, .optional = true, .text = (about)}
#define OPTIONAL_NUMBER(key, about) {.name = (key), .type = SCHEMA_INTEGER, .optional = true, .text = (about)}
#define OPTIONAL_FLAG(key, about)   {.name = (key), .type = SCHEMA_BOOLEAN, .optional = true, .text = (about)}
#define WORDS(key, about)                                                                                    \
    {.name = (key), .type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_STRING), .text = (about)}

extern const struct schema device_link_properties[]; /* the link of a device (api/hardware/device.c) */

#endif
