/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of checks in a reply. */
#ifndef HOSTPCI_API_CHECKS_H
#define HOSTPCI_API_CHECKS_H

#include "schema/endpoint.h"

/* One finding about the host, a device or the start of a VM. */
extern const struct schema check_properties[];

/* Puts the node's name into the paths of actions (hardware/check/remedy.h) in a reply's list `checks`, since
 * whoever reads it may call another node. */
void checks_name_node(json_t *reply, const char *node);

#endif
