/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's settings for passthrough as a whole: module settings (modprobe.h) and the kernel's command line
 * (boot.h, kernel.h), and how they differ from what the running kernel has. */
#ifndef HOSTPCI_HARDWARE_SETTINGS_TUNING_H
#define HOSTPCI_HARDWARE_SETTINGS_TUNING_H

#include "base/hash.h"
#include "hardware/settings/boot.h"
#include "hardware/settings/modprobe.h"

struct tuning {
    char *modprobe, *modules; /* contents of our files; NULL: the file does not exist */
    json_t *kept;             /* the settings in them; empty if they were changed by hand */
    struct error changed;     /* where they were changed by hand; empty message: nowhere */
    struct boot boot;
    char *boot_text;            /* contents of the boot loader's file; NULL: it does not exist */
    char *line;                 /* the kernel's command line in it; "" if there is none */
    struct error no_line;       /* why the line cannot be changed; empty message: it can */
    char digest[SHA1_HEX_SIZE]; /* of the contents of the three files */
};

/* Fails only if a file cannot be read. */
int tuning_read(const struct sysroot *sysroot, struct tuning *ret, struct error *err);
void tuning_release(struct tuning *tuning);
#define autotuning __attribute__((cleanup(tuning_release)))

/* What GET shows: the kept settings, digest, boot-loader {name, file, evidence, line, refresh}, kernel
 * [parameter of the line], effective [{name, value, source, kept}]: every file that makes one of these
 * settings, where the last entry of a name is the one in effect; problems [text], reboot-needed and reasons
 * [text]. */
int tuning_describe(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                    struct error *err);

/* How the running kernel differs from the settings, as texts; empty if it does not. */
json_t *tuning_list_reasons(const struct sysroot *sysroot, const struct inventory *inventory,
                            const struct tuning *tuning);

#endif
