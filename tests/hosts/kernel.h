/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays the kernel behind a tree that looks like a host: a write to unbind, bind, drivers_probe,
 * driver_override, reset, reset_method, sriov_numvfs, rom, enable or d3cold_allowed, to create or remove of a
 * mediated device, or to NVIDIA's current_vgpu_type changes the tree's files and links as it does on a real
 * host, and fails when it fails there. A test can also make it fail, hang, or lose a function in the middle
 * of something.
 *
 * It works through sysfs_hook, in this process and in those forked (but not exec'ed) after kernel_install, so
 * a test that needs a broker on such a host calls broker_main in a child. All of them share the memory of
 * what the functions below set and count. Sources: drivers/base/{bus,dd}.c,
 * drivers/pci/{pci,pci-sysfs,pci-driver}.c, drivers/vfio/mdev/mdev_{core,sysfs}.c of the Linux kernel, and
 * the observed behaviour of a real one. */
#ifndef HOSTPCI_TESTS_HOSTS_KERNEL_H
#define HOSTPCI_TESTS_HOSTS_KERNEL_H

#include <stdbool.h>

#include "hardware/sysfs.h"

/* The tree is taken for the host after its boot: for each function the kernel would choose the driver that it
 * has now, unless that is a vfio driver. vfio-pci is loaded. To a small tree made by hand this adds what it
 * lacks: the files that the broker writes, and the drivers that a function's uevent names, with their links.
 * Only one tree can be installed at a time. */
void kernel_install(const char *tree);
void kernel_uninstall(void);

void kernel_add_driver(const char *driver);
void kernel_remove_driver(const char *driver);          /* no function may be bound to it */
void kernel_choose(const char *id, const char *driver); /* what it binds without an override; "": nothing */
void kernel_refuse(const char *id,
                   const char *driver); /* this driver's probe fails, which only dmesg would say; "": none */
void kernel_unplug(const char *id);     /* removes all links to it, too */
void kernel_set_reset(const char *id, const char *method, int error); /* of this method; -1: the device does
                                                                         not answer afterwards */

/* Makes a function of a small tree a physical one. Its virtual functions get groups from `group` on, if it is
 * in one itself, and the kernel chooses `driver` for them ("": none). */
struct kernel_sriov {
    unsigned total, offset, stride, device, group;
    const char *driver;
};
void kernel_add_sriov(const char *id, const struct kernel_sriov *sriov);
/* The same of a function that has the files already. */
void kernel_set_vf_driver(const char *id, const char *driver, unsigned group);
void kernel_limit_vfs(const char *id, unsigned most, int error); /* what the driver says beyond; 0: none */
void kernel_put_vfs(const char *id, unsigned count);             /* at once */
unsigned kernel_vfs(const char *id);                             /* what sriov_numvfs says */
bool kernel_autoprobe(const char *id);

/* It has this ROM, which reads as EIO while nobody has the function enabled (a driver has, once) or while it
 * may sleep, which it may. kernel_reset_rom: again as it was then. */
void kernel_set_rom(const char *id, const void *data, size_t length);
void kernel_reset_rom(const char *id);

/* Whether it may be put into D3cold, as at boot. */
bool kernel_d3cold(const char *id);
void kernel_put_d3cold(const char *id, bool allowed);

/* Binds it at once, as root could do by hand; "" for no driver or no override. */
void kernel_put(const char *id, const char *driver, const char *override);

/* What the tree's files say now: "" for no driver or no override. The text lasts until the next call. */
const char *kernel_driver(const char *id);
const char *kernel_override(const char *id);
const char *kernel_reset_methods(const char *id);
const char *kernel_rom_state(const char *id); /* "rom off, enable 1, control auto" */
unsigned kernel_resets(const char *id);       /* how many worked since kernel_install */

/* No access is under way between the two. A process is killed there: what it has begun in a real kernel is
 * finished whatever becomes of it, but what is played ends with the process that plays it. */
void kernel_hold(void);
void kernel_go_on(void);

/* Mediated devices: the function can create `available` of a type from now on, whose driver has the attribute
 * `weight`, a number. Instances share nothing but their type's count. */
void kernel_add_mdev_type(const char *id, const char *type, unsigned available);
void kernel_put_mdev(const char *id, const char *type, const char *uuid); /* as somebody else creates one */
/* The type that exists under the UUID, "" if there is none; how many are left. */
const char *kernel_mdev(const char *uuid);
unsigned kernel_mdevs_left(const char *id, const char *type);

/* NVIDIA's own interface for vGPUs: the function can be one from now on. The functions of one physical
 * function (those without one: each for itself) share its card's 48 GiB, in vGPUs of one size only:
 * nvidia-1145 and nvidia-1147 have 1 GiB, nvidia-1151 has 12, nvidia-1155 all. */
void kernel_add_vgpu(const char *id);
unsigned kernel_vgpu(const char *id); /* the type that it is now; 0: none */

/* What goes wrong with which accesses, whichever process makes them. */
struct kernel_fault {
    enum sysfs_access access;
    const char *path;   /* a part of the file's path below the tree; NULL: any file */
    unsigned first;     /* counted among the matching accesses from now on; 1: the next one */
    unsigned last;      /* 0: `first` alone */
    int error;          /* the errno that the access ends with; 0: none */
    bool after;         /* ... after it had its effect */
    const char *until;  /* the access returns when this file exists (a whole path); NULL: at once */
    const char *unplug; /* this function is unplugged first; NULL: none */
};

/* Replaces the fault that was set before; NULL: nothing goes wrong any more. An unbind that hangs has removed
 * the link to the driver and holds the function's lock, so whoever writes or reads driver_override, reads
 * uevent, or probes, hangs too. */
void kernel_set_fault(const struct kernel_fault *fault);
unsigned kernel_fault_count(void);             /* how many accesses have matched since then */
bool kernel_fault_hangs(void);                 /* an access hangs at this moment */
unsigned kernel_count(enum sysfs_access kind); /* by all processes since kernel_install */

#endif
