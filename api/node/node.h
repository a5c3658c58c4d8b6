/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node as a row: shared by /nodes and /cluster/resources. */
#ifndef HOSTPCI_API_NODE_NODE_H
#define HOSTPCI_API_NODE_NODE_H

#include "api/request.h"

extern const struct schema node_properties[];

/* This node; load and sizes only if the caller has Sys.Audit on it. */
json_t *node_describe(struct request *request);

#endif
