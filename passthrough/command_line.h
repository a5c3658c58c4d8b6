/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a VM on this host: looks up what vm/command/command.h needs to know about the host.
 */
#ifndef HOSTPCI_PASSTHROUGH_COMMAND_LINE_H
#define HOSTPCI_PASSTHROUGH_COMMAND_LINE_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/sysfs.h"
#include "passthrough/assign/assign.h"
#include "storage/storage.h"
#include "vm/command/command.h"

struct command_line_host {
    struct storage *storage;       /* for USB mappings */
    const struct sysroot *sysroot; /* for the processor's vendor and the MTU of bridges */
    const char *node;
    const struct vm_features *qemu;
    const struct vm_paths *paths;
};

/* The arguments; ends with NULL, freed with format_free_list. A hostpciN to which nothing is assigned is an
 * error, in vm_command_build's words. */
int command_line_build(const struct command_line_host *host, long long vmid, const json_t *config,
                       const struct assignments *assignments, char ***ret, struct error *err);

/* {usb0: "1-2"}: the device that the mapping of each usbN stands for on this node; the caller drops. */
int command_line_find_usb(const struct command_line_host *host, const json_t *config, json_t **ret,
                          struct error *err);

#endif
