/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a VM's configuration: how they are stored, and how stored ones are read. */
#ifndef HOSTPCI_VM_VALUE_H
#define HOSTPCI_VM_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/* What is stored for a value that its schema allows. Disks, netN, efidisk0, boot with order= and tags are
 * printed anew, with sizes in their largest whole unit; everything else is stored as it was sent. Refused is
 * what a schema cannot say: parts that exclude each other, and line ends (except in the description). The
 * caller frees. */
int vm_value_store(const char *key, const char *value, char **ret, struct error *err);

/* The parts of a stored value that is a property string: {PART: value}, empty if the key is not set. The
 * error begins with the key. The caller drops. */
int vm_value_parts(const json_t *config, const char *key, json_t **ret, struct error *err);

/* A member of a configuration, or of the parts of a value, as a whole number. */
long long vm_value_number(const json_t *values, const char *key, long long fallback);

/* Whether `hotplug` says so of "cpu", "memory" ... */
bool vm_value_hotplugs(const json_t *config, const char *feature);

/* Appends a percent-encoded text decoded. A % that no two hexadecimal digits follow, and %00, stay as they
 * are. */
void vm_value_append_decoded(struct text *text, const char *encoded);

/* Appends a text percent-encoded, as Proxmox VE's files have it: %, :, control characters and bytes that are
 * not ASCII as %XX. */
void vm_value_append_encoded(struct text *text, const char *plain, size_t length);

/* "32G", "528K", "1000": bytes in the largest unit that leaves no rest. The caller frees. */
char *vm_value_print_size(unsigned long long bytes);

/* Of the format disk-size: "1.5G", "32GiB", "540672". */
unsigned long long vm_value_parse_size(const char *size);

#endif
