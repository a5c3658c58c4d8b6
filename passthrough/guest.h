/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which function of the host a VM's hostpciN is, and at which address the guest sees it. */
#ifndef HOSTPCI_PASSTHROUGH_GUEST_H
#define HOSTPCI_PASSTHROUGH_GUEST_H

#include <jansson.h>

#include "base/error.h"
#include "broker/call.h"
#include "hardware/pci/watch.h"
#include "passthrough/command_line.h"

struct guest {
    struct command_line_host host; /* `qemu` NULL: unknown, so guest addresses are unknown, too */
    struct inventory_source *inventory;
    const struct broker *broker; /* asked for the addresses of a running VM */
    long long vmid;
    bool running;
    const json_t *config; /* {KEY: VALUE}: what a running VM was started with, or the next start will see */
};

/* [{key, functions: [{host, guest?, ids?, subsystem-ids?, link?, mdev?}], rom, mapping?, reason?}], in order
 * of N. For a running VM the functions are those that it has reserved, and QEMU tells where they are; of a
 * stopped one they are what a start would choose now. `guest` is left out when it is not known; `reason` says
 * why it or a function is missing. */
int guest_list_devices(const struct guest *guest, json_t **ret, struct error *err);

/* {ID: "0000:01:00.0"} of all devices in QEMU's answer to query-pci. A new reference. */
json_t *guest_read_addresses(const json_t *buses);

#endif
