/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a VM's configuration demand of each other: one table, a row a rule.
 *
 * A rule looks at a whole configuration, {KEY: value} as stored, and refuses what does not fit together. All
 * rules are checked before a VM's command line is built, since a file or an older version may have left
 * anything in a configuration. Those that Proxmox checks at a change, too, are checked when one of their keys
 * changes; a change is never refused for what an earlier one left behind.
 *
 * What one part of the command line finds out by itself stays there (vm/command/); what concerns the parts of
 * one key's value is checked where the value is parsed (vm/disk.c, vm/hostpci.c). */
#ifndef HOSTPCI_VM_RULES_H
#define HOSTPCI_VM_RULES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* For a VM that is to be started; all rules. The error has one of the keys as its field. */
int vm_rules_check(const json_t *config, struct error *err);

/* For a change; those rules of a change whose keys differ between the two. `before` is NULL for a new VM. */
int vm_rules_check_change(const json_t *before, const json_t *after, struct error *err);

/* Whether the two keys are bound by a rule, or by rules of other keys between them: then one without the
 * other may break a rule that both together keep. Indexes do not matter: "numa0" counts as numa. */
bool vm_rules_relate(const char *key, const char *other);

#endif
