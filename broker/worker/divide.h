/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dividing a physical function into virtual ones, for the change as well as for the way back. As with
 * bind_function (broker/worker/bind.h) it reads what is there and does only what is missing, so that it can
 * be repeated after any interruption; each access that may block is announced by worker_step. */
#ifndef HOSTPCI_BROKER_WORKER_DIVIDE_H
#define HOSTPCI_BROKER_WORKER_DIVIDE_H

#include "base/text.h"
#include "broker/worker/plan.h"
#include "broker/worker/vf_settings.h"
#include "hardware/bind/vfs.h"

/* Brings the function to this count, from another one through 0, if it is still the device (vendor, device)
 * of `was`, and its virtual functions to these settings (broker/worker/vf_settings.h); ERROR_NOT_FOUND if
 * not. No driver gets a new virtual function before its settings are made: only then, with autoprobe, is the
 * kernel asked to bind some. (What NVIDIA's sriov-manage, below, binds meanwhile is its own affair.) 1:
 * something was changed; 0: nothing had to be. */
int divide_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                    struct vfs_state wanted, const json_t *settings, struct error *err);

/* After a reset of the physical function: its virtual ones get the settings again that are kept for them, and
 * those of an NVMe drive their share of it, without which they are offline. 1: something was changed; 0:
 * nothing had to be. */
int divide_renew(struct worker *worker, struct pci_address address, const struct driver_state *was,
                 struct error *err);

/* ERROR_INVALID, of "numvfs", if the driver's own program changes the count, and cannot make this one of
 * `total`: NVIDIA's sriov-manage, where it is installed, which is then run instead of a write. */
int divide_check_count(const struct worker *worker, const struct plan_function *physical, unsigned total,
                       unsigned count, struct error *err);

/* Undoes a claim of a count (broker/worker/undo.h): back to the former one. */
int divide_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
