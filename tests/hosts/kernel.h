/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays the kernel behind a tree that looks like a host: a write into unbind, bind, drivers_probe,
 * driver_override, reset or reset_method has the effect on the tree's files and links that it has on a real
 * host, and fails as it fails there. It can be made to fail otherwise, to hang, or to lose a function in the
 * middle of something.
 *
 * It works by sysfs_hook, in this process and in those that are forked (not exec'ed) after kernel_install: a
 * test that wants a broker on it calls broker_main in a child. What the functions below set and count is in
 * memory that all of these share. Sources: drivers/base/{bus,dd}.c, drivers/pci/{pci,pci-sysfs,pci-driver}.c
 * of the Linux kernel, and what a real one was seen to do. */
#ifndef HOSTPCI_TESTS_HOSTS_KERNEL_H
#define HOSTPCI_TESTS_HOSTS_KERNEL_H

#include <stdbool.h>

#include "hardware/sysfs.h"

/* The tree is what the kernel found at boot: of each function it would choose the driver that it has now, but
 * for vfio drivers, and vfio-pci is loaded. What a small tree that was made by hand lacks is added: the files
 * that steps use, and drivers with their links for functions whose uevent names one. Once at a time. */
void kernel_install(const char *tree);
void kernel_uninstall(void);

void kernel_add_driver(const char *driver);             /* is there from now on */
void kernel_remove_driver(const char *driver);          /* which has no function */
void kernel_choose(const char *id, const char *driver); /* by itself; "": it leaves it alone */
void kernel_refuse(const char *id,
                   const char *driver); /* its probe fails, which only dmesg would tell; "": none */
void kernel_unplug(const char *id);     /* with all links to it */
void kernel_set_reset(const char *id, const char *method, int error); /* that this method ends with; -1: the
                                                                         device does not answer after it */

/* Brings it there at once, as root could by hand; "": no driver, no override. */
void kernel_put(const char *id, const char *driver, const char *override);

/* What it is now, by the tree's files: "" for no driver, no override. The text lasts until the next call. */
const char *kernel_driver(const char *id);
const char *kernel_override(const char *id);
const char *kernel_reset_methods(const char *id);
unsigned kernel_resets(const char *id); /* that worked, since kernel_install */

/* One access, of whoever makes it. */
struct kernel_fault {
    enum sysfs_access access;
    const char *path;   /* the file's, below the tree, has this in it; NULL: any */
    unsigned first;     /* 1: the next one that fits */
    unsigned last;      /* 0: that one alone */
    int error;          /* errno that it ends with; 0: none */
    bool after;         /* ... after it had its effect */
    const char *until;  /* it does not return before this file is there (a whole path); NULL: it does */
    const char *unplug; /* this function is gone then; NULL: none is */
};

/* Replaces what was set before; NULL: all goes well again. A hanging unbind has taken the link to the driver
 * away, and holds the function's lock: who writes or reads driver_override, reads uevent, or probes, hangs
 * too. */
void kernel_set_fault(const struct kernel_fault *fault);
unsigned kernel_fault_count(void);             /* how many accesses fitted since then */
bool kernel_fault_hangs(void);                 /* one does not return at this moment */
unsigned kernel_count(enum sysfs_access kind); /* since kernel_install, by all */

#endif
