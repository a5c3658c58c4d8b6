/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the kernel's command line that passthrough needs. Only those of a table can be set, each with
 * values of its own form: others, such as init=, would give root's rights to everybody who may change the
 * host's settings. Sources: Documentation/admin-guide/kernel-parameters.txt; modinfo(8) of vfio, kvm, i915
 * and xe; for pcie_acs_override the patch of that name, which Proxmox's kernels have. */
#ifndef HOSTPCI_HARDWARE_SETTINGS_KERNEL_H
#define HOSTPCI_HARDWARE_SETTINGS_KERNEL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Checks parameters with their values, separated by blanks. ERROR_INVALID of `field`. */
int kernel_parameters_check(const char *field, const char *words, struct error *err);
/* The same for names alone. */
int kernel_parameter_names_check(const char *field, const char *words, struct error *err);

/* A command line in which the parameters in `set` (NULL: none) replace those of the same name, and
 * without those that `remove` (NULL: none) names. All other words keep their places. The caller frees it. */
char *kernel_line_change(const char *line, const char *set, const char *remove);

/* The value that the last of these words gives the parameter, NULL if none does; the caller frees it. */
char *kernel_line_value(const char *line, const char *name);

/* The known parameters of a command line, as an array. */
json_t *kernel_line_list(const char *line);

/* Whether both words are of the same parameter. */
bool kernel_parameter_equal(const char *a, const char *b);

#endif
