/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /metrics and /cluster/metrics/export show, in parts (base/metric.h has the format). */
#ifndef HOSTPCI_API_METRICS_H
#define HOSTPCI_API_METRICS_H

#include "api/request.h"
#include "base/metric.h"

/* Appends the PCI functions and what they are divided into. `given` is as metrics_list_given lists it. */
int metrics_add_devices(const struct service *service, const json_t *given, struct text *ret,
                        struct error *err);

/* Appends how many VMs are in which state. */
int metrics_add_vms(const struct service *service, struct text *ret, struct error *err);

/* {FUNCTION or UUID: {vmid, guest?, mapping?}} of what VMs that run have. QEMU is asked for each of them
 * where the guest sees it, until one does not answer. */
int metrics_list_given(const struct service *service, json_t **ret, struct error *err);

#endif
