/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the broker knows of a PCI function. */
#ifndef HOSTPCI_API_HARDWARE_STATE_H
#define HOSTPCI_API_HARDWARE_STATE_H

#include <jansson.h>

#include "broker/call.h"
#include "hardware/pci/inventory.h"
#include "schema/endpoint.h"

/* The member `state` of a function's status; NULL if no broker answers. Never waits for the function. What
 * the broker knows of another device that was in this slot before is left out. */
json_t *hardware_state(const struct broker *broker, const struct pci_device *device);

/* One fact of `facts`, {KIND: FACT} as the broker tells them of a function; NULL if there is none, or only
 * one about another device that was in this slot before. */
const json_t *hardware_fact(const json_t *facts, const char *kind, const struct pci_device *device);

/* The same, asked for; a new reference. NULL also if no broker answers. */
json_t *hardware_read_fact(const struct broker *broker, const char *kind, const struct pci_device *device);

extern const struct schema hardware_state_properties[];

#endif
