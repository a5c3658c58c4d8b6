/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VM's configuration to QEMU's arguments.
 *
 * The same input always gives the same arguments: no file is read and nothing is started, and whatever has to
 * be known of the host is in struct vm_command. The caller may not assume that what the arguments name is
 * there. Who starts the VM makes the folder of sockets and pid file, the tap interfaces, and the copy of the
 * firmware's variables. */
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
    size_t count;           /* 0: nothing was assigned */
    const char *uuid;       /* of the mediated device (vm_hostpci_uuid); NULL: the functions themselves */
    bool live_migration;    /* its mapping is live-migration-capable */
};

/* Folders have no slash at the end. */
struct vm_paths {
    const char *qemu; /* the binary */
    const char *run;  /* for sockets and the pid file: VMID.qmp, VMID.pid, VMID.vnc, VMID.qga, VMID.serial0 */
    const char *rom;  /* romfile is below it */
    const char *ovmf; /* with Debian's names: OVMF_CODE_4M.fd ... */
    bool only_4m; /* it has no firmware of 2 MiB, as in Debian 13: a VM that keeps no variables gets the other
                   */
    const char *store;    /* of the storage `local` (vm/volume.h) */
    const char *net_up;   /* script for a new tap interface; NULL: the interface is made and connected before
                             the start */
    const char *net_down; /* script for one that goes away */
};

/* A file that a command line names. */
struct vm_file {
    enum {
        VM_FILE_VOLUME, /* a disk, a CD-ROM's image, variables of the firmware */
        VM_FILE_COPY,   /* of the file `from`, for this run alone; it may be written to */
        VM_FILE_ROM,    /* the same, but QEMU opens it itself, for reading */
        VM_FILE_RANDOM, /* the host's source of random numbers, which has one name or another */
        VM_FILE_SOCKET, /* on which QEMU listens */
        VM_FILE_TAP,    /* an interface of the host's network; `path` is its name */
        VM_FILE_TPM,    /* the connection to a TPM, whose state is at the path, a volume of the store */
    } kind;
    const char *path;
    const char *from;    /* of a copy, of a ROM */
    const char *format;  /* of a volume: "raw", "qcow2" */
    bool read_only;      /* the same */
    bool direct;         /* the same: past the host's cache (O_DIRECT) */
    bool in_store;       /* the same: one of the storage `local`, below its folder */
    const char *bridge;  /* of an interface */
    unsigned queues;     /* the same */
    bool vhost;          /* the same: the kernel moves its packets */
    const char *version; /* of a TPM: "v1.2", "v2.0" */
};

/* Gives what QEMU is told in place of a file's name, since it is handed the open file: "/dev/fdset/3" of a
 * volume or a copy, "fd=12" of a socket, "fds=12:13,vhostfds=14:15" of an interface, the path of a ROM. The
 * caller frees. */
typedef int vm_hand_function(void *context, const struct vm_file *file, char **ret, struct error *err);

struct vm_command {
    unsigned vmid;
    const json_t *config;               /* {KEY: value} as stored, as the VM's start sees it */
    const struct vm_assigned *assigned; /* VM_HOSTPCI of them; [3] is hostpci3's */
    const char *const *usb; /* VM_USBS of them: the device that usbN's mapping stands for ("1-2"), or NULL */
    const unsigned
        *bridge_mtu;        /* VM_NETS of them: the MTU of netN's bridge, 0 if unknown; NULL: none is known */
    const char *cpu_vendor; /* the host's: "GenuineIntel", "AuthenticAMD"; NULL if unknown */
    const struct vm_features *qemu;
    const struct vm_paths *paths;
    vm_hand_function *hand; /* called for each file; NULL: QEMU opens them all by their names */
    void *hand_context;
};

/* The arguments, the program first; ends with NULL, freed with format_free_list. ERROR_INVALID says which key
 * is wrong and why. */
int vm_command_build(const struct vm_command *what, char ***ret, struct error *err);

/* As one would type them, in one line. */
char *vm_command_quote(char *const *arguments);

/* For a VM with bios=ovmf: the template of the firmware's variables, and, if the VM has no efidisk0, the file
 * that a copy of the template is in while it runs (else NULL). The caller frees both. */
int vm_command_firmware(const struct vm_command *what, char **ret_template, char **ret_copy,
                        struct error *err);

#endif
