/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of a PCI mapping is there, and how much of it is free. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_CAPACITY_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_CAPACITY_H

#include <jansson.h>

#include "base/error.h"
#include "passthrough/assign/supply.h"

struct capacity {
    struct supply supply;
    const char *node;    /* whose hardware that is */
    const char *mapping; /* its id */
    const json_t *body;  /* and document */
    const char *mdev;    /* count mediated devices of this type; NULL: alternatives of the mapping */
};

/* [{node, online, total, free, used: [{path, vmid?}]}], a row for each node that the mapping names, in its
 * order. Of other nodes than `node` only the number of alternatives is known. What has changed since it was
 * mapped is not free. */
int capacity_list(const struct capacity *capacity, json_t **ret, struct error *err);

#endif
