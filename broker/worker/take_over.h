/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A persistent setting that somebody else makes at boot, too (hardware/settings/owner.h): it is refused, or
 * taken over where that is asked for: the line there becomes a comment. */
#ifndef HOSTPCI_BROKER_WORKER_TAKE_OVER_H
#define HOSTPCI_BROKER_WORKER_TAKE_OVER_H

#include "base/text.h"
#include "broker/worker/worker.h"
#include "hardware/settings/owner.h"

#define ARGUMENT_TAKE_OVER                                                                                   \
    {.name = "take-over",                                                                                    \
     .type = SCHEMA_BOOLEAN,                                                                                 \
     .optional = true,                                                                                       \
     .fallback = "0",                                                                                        \
     .text = "1, with persistent=1: where sysfs.conf or a file in sysfs.d sets the same at boot, hostpci "   \
             "keeps it from now on, and the line there becomes a comment; the task's log says how to go "    \
             "back. Whatever else sets it is to be changed by hand."}

struct take_over {
    bool asked;
    json_t *files; /* that are to be changed */
    struct text how;
};
void take_over_release(struct take_over *take_over);
#define autotakeover __attribute__((cleanup(take_over_release)))

/* From the operation's arguments; an error if it is asked for without persistent=1. */
int take_over_parse(const json_t *arguments, struct take_over *ret, struct error *err);

/* Before anything is changed: ERROR_CONFLICT if somebody else sets this, unless that can be taken over. */
int take_over_check(struct worker *worker, struct take_over *take_over, const struct pci_device *device,
                    const struct owned_setting *setting, struct error *err);

/* After everything else was changed: writes the files, and adds their claim to `claims`. */
int take_over_write(struct worker *worker, const struct take_over *take_over, json_t *claims,
                    struct error *err);
/* After the facts were saved: says how to go back, and ends that claim. */
void take_over_finish(struct worker *worker, const struct take_over *take_over);

#endif
