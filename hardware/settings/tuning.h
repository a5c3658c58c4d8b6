/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's settings for passthrough as a whole: module settings (modprobe.h) and the kernel's command line
 * (boot.h, kernel.h), and how they differ from what the running kernel has. */
#ifndef HOSTPCI_HARDWARE_SETTINGS_TUNING_H
#define HOSTPCI_HARDWARE_SETTINGS_TUNING_H

#include "base/hash.h"
#include "hardware/settings/boot.h"
#include "hardware/settings/modprobe.h"

struct tuning {
    char *modprobe, *modules; /* texts of our files; NULL: there is none */
    json_t *kept;             /* what they say; empty if they were changed by hand */
    struct error changed;     /* then this says where; else its message is "" */
    struct boot boot;
    char *boot_text;            /* of the boot loader's file; NULL: there is none */
    char *line;                 /* the kernel's command line in it; "" */
    struct error no_line;       /* why the line cannot be changed; its message is "" if it can */
    char digest[SHA1_HEX_SIZE]; /* of the three texts */
};

/* Fails only if a file cannot be read. */
int tuning_read(const struct sysroot *sysroot, struct tuning *ret, struct error *err);
void tuning_release(struct tuning *tuning);
#define autotuning __attribute__((cleanup(tuning_release)))

/* What GET shows: the kept settings, digest, boot-loader {name, file, evidence, line, refresh}, kernel
 * [parameter of the line], effective [{name, value, source, kept}]: where else the same settings are made,
 * the one that wins the last of its name; problems [text], reboot-needed and reasons [text]. */
int tuning_describe(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                    struct error *err);

/* Why the running kernel is not as the settings want it: texts, none if it is. */
json_t *tuning_list_reasons(const struct sysroot *sysroot, const struct inventory *inventory,
                            const struct tuning *tuning);

#endif
