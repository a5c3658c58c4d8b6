/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the played kernel share. */
#ifndef HOSTPCI_TESTS_HOSTS_KERNEL_PARTS_H
#define HOSTPCI_TESTS_HOSTS_KERNEL_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tests/hosts/kernel.h"

#define KERNEL_DEVICES "sys/bus/pci/devices"
#define KERNEL_DRIVERS "sys/bus/pci/drivers"
#define KERNEL_NAME    64
#define KERNEL_RESET   4

struct kernel_function {
    char id[24];
    char choice[KERNEL_NAME];  /* the driver that it binds without an override */
    char refused[KERNEL_NAME]; /* the driver whose probe fails */
    char methods[128];         /* of reset, as at boot */
    struct {
        char method[32];
        int error;
    } resets[KERNEL_RESET];
    atomic_uint reset_count;
    struct {
        char driver[KERNEL_NAME]; /* that virtual functions bind without an override */
        unsigned group;           /* of the first one */
        unsigned most;            /* that the driver makes; 0: as many as the device can have */
        int error;                /* what it says beyond */
    } vfs;
    atomic_bool rom_is_on;
    atomic_int holder;         /* the thread that holds its lock in a write that does not return; 0: none */
    char leaving[KERNEL_NAME]; /* the driver that is still being unbound */
};

extern char kernel_tree[512];
extern _Thread_local bool kernel_looks; /* what this thread reads now, the kernel itself reads */

/* Reads the functions that the tree has, adds to the tree what it lacks, and returns their number. */
size_t kernel_boot(struct kernel_function *functions, size_t most);

struct kernel_function *kernel_find(const char *id); /* NULL: none */
/* The same, with an entry for a function that is new. */
struct kernel_function *kernel_enter(const char *id);

/* A path below the tree; the text lasts for a few calls. */
const char *kernel_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Files of the tree, by whole paths. A failure ends the program. */
void kernel_must(bool done, const char *what);
void kernel_read_text(const char *path, char *text, size_t size);
void kernel_write_text(const char *path, const char *text); /* replaced as a whole */
bool kernel_is_there(const char *path);
const char *kernel_function_file(const char *id, const char *name);
void kernel_remove_folder(const char *path);

/* What reading `rom` comes to, 1 or a negative errno, and writing to it and to `enable`. */
int kernel_read_rom(const struct kernel_function *function);
int kernel_write_rom(struct kernel_function *function, const char *value);
int kernel_write_enable(const struct kernel_function *function, const char *value);

int kernel_write_methods(const struct kernel_function *function, const char *value);
int kernel_write_reset(struct kernel_function *function, const char *value);
int kernel_write_d3cold(const struct kernel_function *function, const char *value);

bool kernel_is_vfio(const char *driver);
void kernel_bind(const char *id, const char *driver);
void kernel_probe(const struct kernel_function *function); /* binds what fits, if something does */
void kernel_remove(const char *id);
void kernel_make_link(const char *at, const char *to); /* relative, both below the tree; `at` a whole path */
void kernel_read_link(const char *path, char name[static KERNEL_NAME]); /* the target's last part; "": none */

/* A write to sriov_numvfs of a function with that file: 0 or a negative errno. */
int kernel_write_count(struct kernel_function *function, const char *value);
/* Whether the kernel binds drivers to this one: not to a virtual function whose physical one says so. */
bool kernel_may_probe(const char *id);

/* What the kernel does at a read: 1 if the file is like any other, or a negative errno. */
int kernel_read(const char *path);

/* Does what the kernel does at a write: 0, a negative errno, or 1 if the file is like any other. `middle` is
 * called at the point where an unbind hangs: the link to the driver is gone, but the driver is not finished.
 */
int kernel_write(const char *path, const char *value, void (*middle)(struct kernel_function *function));

/* The same for files of mediated devices and of vGPUs: 1 if the file is no such one. */
int kernel_write_slice(const char *path, const char *value);
int kernel_write_vgpu(const char *id, const char *value);

/* What the kernel does in the end, even if the process that wrote to unbind was killed. */
void kernel_finish_unbind(struct kernel_function *function);

/* The function whose lock the access needs; NULL for none. */
struct kernel_function *kernel_locked(enum sysfs_access access, const char *path, const char *value);

#endif
