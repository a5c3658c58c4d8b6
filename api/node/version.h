/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The versions, which /version and /nodes/{node}/version share. */
#ifndef HOSTPCI_API_NODE_VERSION_H
#define HOSTPCI_API_NODE_VERSION_H

#include "api/request.h"

extern const struct schema version_properties[];
int version_run(struct request *request, json_t **ret, struct error *err);

/* The value of `pveversion` in a node's status. */
const char *version_pve_manager(void);

#endif
