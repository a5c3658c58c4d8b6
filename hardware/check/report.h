/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a device can be passed through, and if not, why and what to do: the result of all checks. Nothing
 * is ever changed. */
#ifndef HOSTPCI_HARDWARE_CHECK_REPORT_H
#define HOSTPCI_HARDWARE_CHECK_REPORT_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/use/use.h"

enum verdict {
    VERDICT_READY,    /* it and its group are bound to vfio-pci or have no driver, and the host is set up */
    VERDICT_POSSIBLE, /* when a VM starts with it, functions are detached or vfio-pci is loaded */
    VERDICT_BLOCKED,  /* an error must be resolved first */
};

const char *verdict_name(enum verdict verdict); /* "ready", "possible", "blocked" */

/* GET /nodes/{node}/hardware/iommu: {enabled, driver, interrupt-remapping, default-domain, groups, checks:
 * [{id, severity, message, evidence, remedy}]}. driver and default-domain (identity, DMA, DMA-FQ, mixed) are
 * left out when unknown, evidence and remedy when empty. Worst checks first. */
int readiness_describe_host(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                            struct error *err);

/* `rom` is what was read of the device's ROM, {bios, uefi, complete, shadow}; NULL: nothing yet.
 *
 * {verdict, summary, detaches: [{id, driver}], checks: [...], host-use: [{id, kind, name, weight, message,
 * evidence}], owners: hardware/settings/owner.h}: host-use is that of the device and of all that would be
 * detached with it; checks are the device's and those of the host that stand in the way of each device.
 * ERROR_NOT_FOUND if there is no such device. */
int readiness_describe_device(const struct sysroot *sysroot, const struct inventory *inventory,
                              const struct host_uses *uses, struct pci_address address, const json_t *rom,
                              json_t **ret, struct error *err);

/* The same of a function that the kernel is working on (hardware/pci/device.h): only by the checks that read
 * none of its files, and without those of the host that only inform. */
int readiness_describe_held(const struct sysroot *sysroot, const struct inventory *inventory,
                            const struct host_uses *uses, struct pci_address address, json_t **ret,
                            struct error *err);

struct readiness {
    enum verdict verdict;
    char *summary; /* one sentence: what will happen, or why not */
};

/* Of each device of the inventory, in its order: *ret has inventory->count, freed by readiness_free. The same
 * verdicts and summaries as readiness_describe_device gives. */
int readiness_verdicts(const struct sysroot *sysroot, const struct inventory *inventory,
                       const struct host_uses *uses, struct readiness **ret, struct error *err);
void readiness_free(struct readiness *list, size_t count); /* takes NULL */

#endif
