/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running VM's guest agent, in a bounded time: 18 s at most. It answers one at a time. */
#ifndef HOSTPCI_BROKER_WORKER_VM_GUEST_H
#define HOSTPCI_BROKER_WORKER_VM_GUEST_H

#include <stdbool.h>

#include "broker/machine/machine.h"

#define VM_GUEST_SECONDS 18

/* Whether QEMU has a channel for one; there may be no agent at its other end. */
bool vm_guest_has_channel(const struct machine *machine);

/* Asks it ("guest-ping"). *ret is as of agent_execute (vm/qmp/agent.h); the caller drops. ERROR_FAILED in
 * Proxmox VE's words: "QEMU guest agent is not running", "VM 100 qga command 'guest-info' failed - ...". */
int vm_guest_ask(const struct machine *machine, const char *command, json_t **ret, struct error *err);

/* Asks the guest to shut down; does not wait until it has. */
int vm_guest_shut_down(const struct machine *machine, struct error *err);

#endif
