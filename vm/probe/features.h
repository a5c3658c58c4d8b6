/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The features of a QEMU binary, from its own answers in QMP (QEMU's docs/interop/qmp-spec).
 *
 * Nothing is started here. The caller (broker/probe/qemu.h) starts the binary once with the arguments, writes
 * the questions, a line each, and hands everything that the binary prints to vm_features_parse. */
#ifndef HOSTPCI_VM_PROBE_FEATURES_H
#define HOSTPCI_VM_PROBE_FEATURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct vm_features;

/* The argument vector, argv[0] included; ends with NULL. */
extern const char *const vm_features_arguments[];

/* The lines to write, without line ends; ends with NULL. The last one makes QEMU exit. */
extern const char *const vm_features_questions[];

#define VM_FEATURES_LIMIT ((size_t)8 << 20) /* bytes of answers; QEMU 7.2 prints about 150 KiB */

/* ERROR_FAILED if an answer that every QEMU gives is missing. The caller frees. */
int vm_features_parse(const char *answers, size_t length, struct vm_features **ret, struct error *err);
void vm_features_free(struct vm_features *qemu);
void cleanup_features(struct vm_features **qemu);
#define autofeatures __attribute__((cleanup(cleanup_features)))

struct vm_version {
    unsigned major, minor, micro;
};
struct vm_version vm_features_version(const struct vm_features *qemu);
bool vm_version_at_least(struct vm_version version, unsigned major, unsigned minor);

/* {name: true} of the answer to "machines", "cpus" or "devices"; borrowed. */
const json_t *vm_features_names(const struct vm_features *qemu, const char *question);

bool vm_features_has_machine(const struct vm_features *qemu, const char *type);

/* Whether -device takes the driver, by its name or an alias. */
bool vm_features_has_device(const struct vm_features *qemu, const char *driver);

/* False for drivers that the questions do not ask about. */
bool vm_features_has_property(const struct vm_features *qemu, const char *driver, const char *property);

bool vm_features_has_cpu(const struct vm_features *qemu, const char *model);

#endif
