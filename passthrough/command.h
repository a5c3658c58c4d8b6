/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a VM on this host: what vm/command/command.h needs to know of the host, looked up. */
#ifndef HOSTPCI_PASSTHROUGH_COMMAND_H
#define HOSTPCI_PASSTHROUGH_COMMAND_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/sysfs.h"
#include "passthrough/assign/choose.h"
#include "storage/storage.h"
#include "vm/command/command.h"

struct command_host {
    struct storage *storage;       /* for USB mappings */
    const struct sysroot *sysroot; /* the processor's vendor, the bridges' MTU */
    const char *node;
    const struct vm_features *qemu;
    const struct vm_paths *paths;
};

/* The arguments; ends with NULL, freed with format_free_list. A hostpciN that got no device is an error, in
 * vm_command_build's words. */
int command_build(const struct command_host *host, long long vmid, const json_t *config,
                  const struct choices *choices, char ***ret, struct error *err);

#endif
