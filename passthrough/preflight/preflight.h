/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start of a VM would do now, and every reason why it would fail. Nothing is changed. */
#ifndef HOSTPCI_PASSTHROUGH_PREFLIGHT_PREFLIGHT_H
#define HOSTPCI_PASSTHROUGH_PREFLIGHT_PREFLIGHT_H

#include <jansson.h>

#include "base/error.h"
#include "broker/probe/qemu.h"
#include "hardware/check/check.h"
#include "hardware/pci/watch.h"
#include "passthrough/assign/reservation.h"
#include "passthrough/command_line.h"

/* A warning before a card of NVIDIA is given to a Linux guest that may lose it while it runs; takes its id.
 */
#define PREFLIGHT_NVIDIA_HANGS                                                                               \
    "NVIDIA's driver for Linux hangs if the card %s is unplugged while a program of the guest uses it: "     \
    "unload the driver there before"

struct preflight {
    struct storage *storage;
    const struct sysroot *sysroot;
    struct inventory_source *inventory;
    const struct broker *broker; /* NULL, or one that does not answer: what only root sees is left out */
    struct qemu *qemu;
    const struct vm_paths *paths;
    const char *const
        *volume_dirs; /* the broker only opens files below these; ends with NULL; NULL: any file */
    const char *node;
    long long vmid;
    const json_t *document; /* vm/config/config.h */
};

/* {startable, summary, devices: [{key, chosen[], detaches: [{id, driver}], mapping?, mdev?, refused?: [{path,
 * reason}]}], checks: [{id, severity, message, evidence, remedy}]}, worst checks first. startable: no check
 * found an error. If a key cannot be put on the command line for several reasons, only the first is reported;
 * so it is of keys that are right only together (memory and its pages, the processors). */
int preflight_run(const struct preflight *preflight, json_t **ret, struct error *err);

extern const struct check *const *const preflight_check_lists[]; /* as check_lists (hardware/check/check.h) */

#endif
