/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that an admin makes in files: modprobe.d, modules to load at boot, sysfs.conf.
 *
 * Sources: modprobe.d(5): *.conf of etc, run, usr/local/lib, usr/lib and lib in the order of their names; of
 * two files with the same name the one in the earlier folder counts. modules-load.d(5), modules(5),
 * initramfs-tools(7), sysfs.conf of Debian's sysfsutils. If a setting is made twice, the later one is in
 * effect. */
#ifndef HOSTPCI_HARDWARE_FACTS_SETTINGS_H
#define HOSTPCI_HARDWARE_FACTS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "hardware/module.h"
#include "hardware/sysfs.h"

enum setting_kind {
    SETTING_OPTIONS,   /* of module: parameters */
    SETTING_BLACKLIST, /* module is not loaded when a device asks for it */
    SETTING_SOFTDEP,   /* module: "pre: ... post: ..." */
    SETTING_INSTALL,   /* module: a command in place of loading it */
    SETTING_ALIAS,     /* here module is a pattern of modaliases, and value the module */
    SETTING_LOAD,      /* module is loaded at boot; value "initramfs" if that early */
    SETTING_SYSFS,     /* here module is a path below sys, and value what is written there at boot */
};

struct setting {
    enum setting_kind kind;
    char *module; /* as written */
    char *value;  /* the rest of the line; "" */
    char *file;   /* "etc/modprobe.d/vfio.conf" */
    unsigned line;
    bool continued; /* on the next line, by a backslash: value has both */
};

struct host_settings {
    struct setting *list;
    size_t count;
    char *newest; /* the file that was changed last of those that the initramfs has a copy of; NULL: none */
    struct timespec changed;
    char *denied; /* a file or folder that exists and cannot be read; NULL: none */
    int error;    /* -errno of it */
};

/* Reads at most 4096 settings, of files up to 256 KiB. */
void host_settings_read(const struct sysroot *sysroot, struct host_settings *ret);
void host_settings_release(struct host_settings *settings);

/* The first setting of a kind about a module from the index `after` on, or NULL. Start with 0 and go on with
 * its index + 1. */
const struct setting *host_settings_find(const struct host_settings *settings, enum setting_kind kind,
                                         const char *module, size_t after);

/* The last value of a module's option; false if it is not set. *ret (may be NULL) is the setting. */
bool host_settings_option(const struct host_settings *settings, const char *module, const char *option,
                          char *value, size_t size, const struct setting **ret);

/* The setting that keeps the module from being loaded for a device: a blacklist line, or an install line with
 * true or false; NULL: none. */
const struct setting *host_settings_blacklist(const struct host_settings *settings, const char *module);

/* The setting that loads `first` before `module`: softdep MODULE pre: FIRST; NULL: none. */
const struct setting *host_settings_loads_before(const struct host_settings *settings, const char *module,
                                                 const char *first);

#endif
