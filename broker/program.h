/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that change the boot, or a card by its driver's own tool, and that cannot run inside the
 * broker's confinement; and what starts a VM's QEMU there, and qemu-img. They are a fixed table: a caller
 * names a row and at most one argument, which only reaches the program if it has the
 * row's form. */
#ifndef HOSTPCI_BROKER_PROGRAM_H
#define HOSTPCI_BROKER_PROGRAM_H

#include <stdbool.h>

#include "base/error.h"
#include "hardware/sysfs.h"

/* A comment names the argument that a program takes. */
enum program {
    PROGRAM_UPDATE_INITRAMFS, /* initramfs-tools */
    PROGRAM_DRACUT,
    PROGRAM_UPDATE_GRUB,
    PROGRAM_PROXMOX_BOOT_TOOL,
    PROGRAM_KERNEL_INSTALL, /* a kernel's release */
    PROGRAM_SRIOV_ENABLE,   /* NVIDIA's sriov-manage; a function */
    PROGRAM_SRIOV_DISABLE,  /* the same */
    PROGRAM_REBOOT,
    PROGRAM_POWEROFF,
    PROGRAM_SUPERVISE, /* a machine's folder (broker/machine/machine.h); it has ended when QEMU runs */
    PROGRAM_GIVE_BACK, /* the same; makes the nodes root's again that its supervisor left to QEMU's user */
    PROGRAM_NODES,     /* the same; gives and takes back nodes, and its QEMU runs on */
    PROGRAM_IMAGE,     /* an order beside the machines' folders (broker/image/image.h) */
    PROGRAMS
};

#define PROGRAM_ARGUMENT_SIZE 128
#define PROGRAM_WORDS         6

struct program_command {
    const char *argv[PROGRAM_WORDS];       /* the first is an absolute path; ends with NULL */
    char unit[PROGRAM_ARGUMENT_SIZE + 64]; /* the name of its unit under systemd, which runs once at a time */
    char text[256];                        /* "update-initramfs -u -k all" */
    unsigned seconds;                      /* that it may take */
    bool own;                              /* of hostpci; allowed with any sysroot */
    bool stays;                            /* it ends when what it leaves behind runs */
    char words[PROGRAM_WORDS][320];        /* where argv points */
};

/* ERROR_INVALID if the argument (NULL: none) has another form than the program takes. */
int program_fill(enum program which, const char *argument, struct program_command *ret, struct error *err);

/* Whether it is installed. */
bool program_is_there(enum program which);

/* False for a --sysroot other than /: its programs would act on this host. */
bool program_may_run(const struct sysroot *sysroot);

/* Whether systemd manages this host, which then runs the programs in units. */
bool program_has_manager(void);

/* For tests: this folder holds the programs (its end is no slash); they may run for any sysroot, and without
 * systemd. NULL: none. */
extern const char *program_root;

#endif
