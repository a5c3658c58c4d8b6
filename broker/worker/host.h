/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing files of the host: several at once, each replaced as a whole, with the programs that make them
 * effective, and the way back.
 *
 * The claim (broker/protocol.h) holds both texts of each file, so that an operation that fails, or a worker
 * that comes after one that died, can put back what was there. A file that somebody else has changed
 * meanwhile is left as it is. A file whose folder cannot be written to (/etc/sysfs.conf) is overwritten. */
#ifndef HOSTPCI_BROKER_WORKER_HOST_H
#define HOSTPCI_BROKER_WORKER_HOST_H

#include "base/text.h"
#include "broker/program.h"
#include "broker/worker/worker.h"

/* Files that are to be changed: [{file, before, after}], of which a text is null where there is no file. */
void host_add_file(json_t *files, const char *file, const char *before, const char *after);

/* Changes the files, of which there may be none, which WORKER_HOST has to be claimed for, and runs those of
 * the programs that are installed and whose bit (1U << enum program) is set in `programs`; of kernel-install
 * for each kernel in /boot. If one fails, everything is put back, the programs are run once more, and the
 * error says so. The claim is released. */
int host_change(struct worker *worker, const json_t *files, unsigned programs, struct error *err);

/* The same without programs, for an operation that changes more than files: adds its claim to `claims`, which
 * that operation undoes or releases with its own. */
int host_replace_files(struct worker *worker, const json_t *files, json_t *claims, struct error *err);

/* Undoes a claim of files (broker/worker/undo.h). */
int host_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
