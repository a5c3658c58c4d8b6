/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot loader, and where it keeps the kernel's command line.
 *
 *   grub          /etc/default/grub: GRUB_CMDLINE_LINUX_DEFAULT, of which update-grub makes grub.cfg
 *   systemd-boot  /etc/kernel/cmdline, of which kernel-install makes an entry for each kernel
 *
 * With either, Proxmox's proxmox-boot-tool may copy the result to the EFI partitions. Sources:
 * grub-mkconfig(8) and Debian's /etc/grub.d/10_linux, kernel-install(8), systemd-boot(7), the boot loader
 * interface (the EFI variable LoaderInfo). */
#ifndef HOSTPCI_HARDWARE_SETTINGS_BOOT_H
#define HOSTPCI_HARDWARE_SETTINGS_BOOT_H

#include <stdbool.h>

#include "base/error.h"
#include "hardware/sysfs.h"

enum boot_kind { BOOT_UNKNOWN, BOOT_GRUB, BOOT_SYSTEMD };

struct boot {
    enum boot_kind kind;
    bool proxmox;        /* proxmox-boot-tool makes it effective */
    const char *name;    /* "grub", "systemd-boot", "unknown" */
    const char *file;    /* that holds the command line; "" if unknown */
    const char *refresh; /* what makes a change of it effective, as one would type it; "" */
    char evidence[256];  /* how that is known */
};

void boot_find(const struct sysroot *sysroot, struct boot *ret);

/* ERROR_CONFLICT, which names the file, if another file of the boot loader replaces the line after ours. */
int boot_check_others(const struct sysroot *sysroot, const struct boot *boot, struct error *err);

/* The command line in the file's text; the caller frees it. ERROR_CONFLICT if it is not written in a form
 * that can be changed safely: an assignment with a variable, a command or parts. */
int boot_read_line(const struct boot *boot, const char *text, char **ret, struct error *err);

/* The text with another command line, in the same place and the same quotes; the caller frees it. */
int boot_change_line(const struct boot *boot, const char *text, const char *line, char **ret,
                     struct error *err);

#endif
