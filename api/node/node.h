/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node as a row of a list, which /nodes and /cluster/resources share. */
#ifndef HOSTPCI_API_NODE_NODE_H
#define HOSTPCI_API_NODE_NODE_H

#include "api/request.h"

extern const struct schema node_properties[];

/* Describes this node, with load and sizes only if the caller has Sys.Audit on it. */
json_t *node_describe(struct request *request);

#endif
