/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations on volumes of the store share.
 *
 * They claim "vm:100", so that a VM's disks do not change while it starts, and that it does not start while
 * they change. The folders are written to by the worker, which is root; an image's content only by qemu-img,
 * outside of the broker's confinement and as a user that owns nothing else (broker/image/image.h). */
#ifndef HOSTPCI_BROKER_WORKER_VOLUME_H
#define HOSTPCI_BROKER_WORKER_VOLUME_H

#include "base/text.h"
#include "broker/worker/worker.h"
#include "vm/volume.h"

#define ARGUMENT_VOLUME                                                                                      \
    {.name = "volume", .type = SCHEMA_STRING, .max_length = 255, .text = "local:100/vm-100-disk-0.raw."}

/* Claims the VM, and besides it what `more` names (CLAIM; NULL: nothing). Waits for others. */
int volume_claim(struct worker *worker, long long vmid, const json_t *more, struct error *err);

/* Has qemu-img work on a volume: "create", "copy" from `template` (else NULL), "resize". Its step is one on
 * `id`, which is claimed. ERROR_FAILED says what is not done and why. */
int volume_run_image(struct worker *worker, const char *id, const struct vm_volume *volume, const char *work,
                     unsigned long long size, const char *template, struct error *err);

/* The same for what is no work of qemu-img; takes the rest of the order (broker/image/image.h). */
int volume_run_order(struct worker *worker, const char *id, const struct vm_volume *volume, json_t *order,
                     struct error *err);

/* ERROR_CONFLICT if the VM whose volume it is runs. */
int volume_check_stopped(const struct worker *worker, const struct vm_volume *volume, struct error *err);

/* Undoes a claim of a volume that was being made (broker/worker/undo.h). */
int volume_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
