/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU binary can do, from its own answers.
 *
 * The asking is done elsewhere, once for a binary: start it with the arguments, write the questions, a line
 * each, and hand everything that it prints to vm_features_parse. QMP: QEMU's docs/interop/qmp-spec. */
#ifndef HOSTPCI_VM_PROBE_FEATURES_H
#define HOSTPCI_VM_PROBE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct vm_features;

/* From argv[0] on; NULL ends them. */
extern const char *const vm_features_arguments[];

/* Lines to write, without their line ends; NULL ends them. The last one makes it end. */
extern const char *const vm_features_questions[];

#define VM_FEATURES_LIMIT ((size_t)8 << 20) /* bytes of answers; QEMU 7.2 prints about 150 KiB */

/* ERROR_FAILED if an answer is missing, is an error, or does not look like one. The caller frees. */
int vm_features_parse(const char *answers, size_t length, struct vm_features **ret, struct error *err);
void vm_features_free(struct vm_features *qemu);
void cleanup_features(struct vm_features **qemu);
#define autofeatures __attribute__((cleanup(cleanup_features)))

struct vm_version {
    unsigned major, minor, micro;
};
struct vm_version vm_features_version(const struct vm_features *qemu);
bool vm_version_at_least(struct vm_version version, unsigned major, unsigned minor);

bool vm_features_has_machine(const struct vm_features *qemu, const char *type);

/* A driver of -device, by its name or alias. */
bool vm_features_has_device(const struct vm_features *qemu, const char *driver);

/* Only for the drivers that the questions ask about. */
bool vm_features_has_property(const struct vm_features *qemu, const char *driver, const char *property);

bool vm_features_has_cpu(const struct vm_features *qemu, const char *model);

#endif
