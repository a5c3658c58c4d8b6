/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VM's configuration to QEMU's arguments.
 *
 * Pure: no file is looked at and nothing is started; what has to be known of the host is handed in. The same
 * configuration, choice and QEMU always give the same arguments. Whoever starts the VM prepares what they
 * name: sockets' and the pid file's folder, tap interfaces, the copy of the firmware's variables. */
#ifndef HOSTPCI_VM_COMMAND_COMMAND_H
#define HOSTPCI_VM_COMMAND_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "vm/keys.h"
#include "vm/probe/features.h"

/* The functions that were assigned to a hostpciN. */
struct vm_assigned {
    const char *const *ids; /* "0000:01:00.0", function 0 first; a mediated device's parent */
    size_t count;           /* 0: nothing was found */
    const char *uuid;       /* of the mediated device, see vm_hostpci_uuid; NULL: the functions themselves */
    bool live_migration;    /* its mapping is live-migration-capable */
};

/* Folders without a slash at the end. */
struct vm_paths {
    const char *qemu; /* the binary */
    const char *run;  /* for sockets and the pid file: VMID.qmp, VMID.pid, VMID.vnc, VMID.qga, VMID.serial0 */
    const char *rom;  /* romfile is below it */
    const char *ovmf; /* with Debian's names: OVMF_CODE_4M.fd ... */
    const char *net_up;   /* run for a new tap interface; NULL: it is made and connected before the start */
    const char *net_down; /* run for one that goes */
};

struct vm_command {
    unsigned vmid;
    const json_t *config;               /* {KEY: value}, as stored: strings, or integers */
    const struct vm_assigned *assigned; /* VM_HOSTPCI of them, by index */
    const char *const *usb;     /* VM_USBS: what a usbN's mapping stands for ("1-2"); NULL if no mapping */
    const unsigned *bridge_mtu; /* VM_NETS: of each card's bridge, 0 if unknown; NULL: none is known */
    const char *cpu_vendor;     /* the host's: "GenuineIntel", "AuthenticAMD"; NULL if unknown */
    const struct vm_features *qemu;
    const struct vm_paths *paths;
};

/* The arguments, the program first; ends with NULL, freed with format_free_list. ERROR_INVALID says which key
 * cannot be and why. */
int vm_command_build(const struct vm_command *what, char ***ret, struct error *err);

/* As one would type them, in one line. */
char *vm_command_quote(char *const *arguments);

/* With bios=ovmf, what the firmware's variables start as, and the file that holds a copy of it while the VM
 * runs if there is no efidisk0 (NULL if there is one). The caller frees both. */
int vm_command_firmware(const struct vm_command *what, char **ret_template, char **ret_copy,
                        struct error *err);

#endif
