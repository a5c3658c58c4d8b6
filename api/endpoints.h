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
    {                                                                                                        \
        .name = "node", .type = SCHEMA_STRING, .format = "pve-node", .text = "Name of the node."             \
    }
#define PARAMETER_PCI_ID                                                                                     \
    {                                                                                                        \
        .name = "pci-id-or-mapping", .type = SCHEMA_STRING, .format = "pci-id",                              \
        .text = "PCI id of the device, with or without domain."                                              \
    }
#define PARAMETER_DIGEST                                                                                     \
    {                                                                                                        \
        .name = "digest", .type = SCHEMA_STRING, .optional = true, .max_length = 64,                         \
        .text = "Refuse the change if the configuration has another digest by now."                          \
    }

#endif
