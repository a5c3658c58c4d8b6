/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a configuration on their way in. */
#ifndef HOSTPCI_VM_VALUE_H
#define HOSTPCI_VM_VALUE_H

#include "base/error.h"

/* What is stored for a value that its schema allows: netN, drives, boot with order= and tags are printed
 * anew, sizes in their largest whole unit; everything else is kept as it was sent. Refused is what the schema
 * cannot say: keys that exclude each other, line ends (but in the description). The caller frees. */
int vm_value_store(const char *key, const char *value, char **ret, struct error *err);

/* "32G", "528K", "1000": bytes in the largest unit that leaves no rest. The caller frees. */
char *vm_value_print_size(unsigned long long bytes);

/* Of the format disk-size: "1.5G", "32GiB", "540672". */
unsigned long long vm_value_parse_size(const char *size);

#endif
