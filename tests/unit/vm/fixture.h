/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines to compare: tests/golden/vm/NAME.conf is a VM's configuration as a file, NAME.cmd what QEMU
 * is started with, an argument a line, or "error: " and why it is not started.
 *
 * Lines of a .conf that begin with # say what else is known:
 * - "# chosen N ID...": the functions that hostpciN gets
 * - "# mdev N ID": the parent of the mediated device that hostpciN gets
 * - "# migration N": the mapping of hostpciN is live-migration-capable
 * - "# usb N PORT": what the mapping of usbN stands for
 * - "# mtu N MTU": the MTU of the bridge of netN
 * - "# qemu VERSION": of the binary; 7.2 if it is left out
 * - "# cpu-vendor NAME": of the host */
#ifndef HOSTPCI_TESTS_UNIT_VM_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_VM_FIXTURE_H

#include "vm/command/command.h"

#define VM_GOLDENS "tests/golden/vm"

/* The names of the cases, sorted; ends with NULL, freed with format_free_list. */
char **vm_golden_names(void);

struct vm_case {
    json_t *config;
    struct vm_assigned assigned[VM_HOSTPCI];
    char **ids[VM_HOSTPCI];
    char uuid[VM_HOSTPCI][64];
    const char *usb[VM_USBS];
    char usb_text[VM_USBS][32];
    unsigned mtu[VM_NETS];
    char cpu_vendor[32];
    struct vm_features *qemu;
    struct vm_command command;
};
void vm_case_read(const char *name, struct vm_case *ret);
void vm_case_release(struct vm_case *given);
#define autocase __attribute__((cleanup(vm_case_release)))

/* A QEMU of that version as far as it matters here: "7.2", "11.0". */
struct vm_features *vm_fake_qemu(const char *version);

/* What it answers when it is asked (vm/probe/features.h). The caller frees. */
char *vm_fake_answers(const char *version);

/* The arguments, a line each, or "error: ...". The caller frees. */
char *vm_case_print(const struct vm_case *given);
char *vm_golden_read(const char *name, const char *ending);

#endif
