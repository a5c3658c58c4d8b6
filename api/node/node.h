/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node as a row of a list, which /nodes and /cluster/resources share. */
#ifndef HOSTPCI_API_NODE_NODE_H
#define HOSTPCI_API_NODE_NODE_H

#include "api/request.h"

extern const struct schema node_properties[];

/* Rows of all nodes of the cluster in order of their names, with load and sizes only of those on which the
 * caller has Sys.Audit. */
json_t *node_list(struct request *request);

/* The load and sizes of this node, which it tells the others: {cpu, maxcpu, mem, ...}. What cannot be read is
 * left out. */
json_t *node_measure(const struct service *service);

#endif
