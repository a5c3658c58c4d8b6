/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions: shared by /version and /nodes/{node}/version. */
#ifndef HOSTPCI_API_NODE_VERSION_H
#define HOSTPCI_API_NODE_VERSION_H

#include "api/request.h"

extern const struct schema version_properties[];
int version_run(struct request *request, json_t **ret, struct error *err);

/* As in `pveversion` of a node's status. */
const char *version_pve_manager(void);

#endif
