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

/* One fact of the device (broker/protocol.h), asked for; a new reference. NULL also if no broker answers. */
json_t *hardware_read_fact(const struct broker *broker, const char *kind, const struct pci_device *device);

/* Why what is kept for the function, by this operation of the broker (NULL: by any), is not there yet; NULL
 * if it is, if nothing is kept, or if no broker answers. To be freed. */
char *hardware_explain_kept(const struct broker *broker, const char *operation,
                            const struct pci_device *device);

extern const struct schema hardware_state_properties[];

#endif
