/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many devices of a PCI mapping each node has, and how many of them are free. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_CAPACITY_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_CAPACITY_H

#include <jansson.h>

#include "base/error.h"
#include "passthrough/assign/availability.h"

struct capacity {
    const struct availability *availability;
    const char *node;    /* the node of that availability: this one */
    const char *mapping; /* its id */
    const json_t *body;  /* its document */
    const char *mdev;    /* count mediated devices of this type; NULL: count the mapping's alternatives */
};

/* [{node, online, total, free, used: [{path, vmid?}]}]: a row for each node that the mapping names, in its
 * order. An alternative that is no longer what the mapping says is not free. Of other nodes only the number
 * of alternatives is known. Of mediated devices those are free that can surely be made (struct left in
 * availability.h). */
int capacity_list(const struct capacity *capacity, json_t **ret, struct error *err);

#endif
