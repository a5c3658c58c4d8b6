/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the played kernel. */
#ifndef HOSTPCI_TESTS_HOSTS_KERNEL_PARTS_H
#define HOSTPCI_TESTS_HOSTS_KERNEL_PARTS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "tests/hosts/kernel.h"

#define KERNEL_DEVICES "sys/bus/pci/devices"
#define KERNEL_DRIVERS "sys/bus/pci/drivers"
#define KERNEL_NAME    64
#define KERNEL_RESET   4

struct kernel_function {
    char id[24];
    char choice[KERNEL_NAME];  /* driver */
    char refused[KERNEL_NAME]; /* driver */
    char methods[128];         /* of reset, as they were at boot */
    struct {
        char method[32];
        int error;
    } resets[KERNEL_RESET];
    atomic_uint reset_count;
    atomic_int holder;         /* process that has its lock in a step that does not return; 0: none */
    char leaving[KERNEL_NAME]; /* driver that has not let go yet */
};

extern char kernel_tree[512];

/* Fills in what the tree has, and the tree with what it lacks; returns the number of functions. */
size_t kernel_boot(struct kernel_function *functions, size_t most);

struct kernel_function *kernel_find(const char *id); /* NULL: none */

/* A path below the tree; the text lasts for a few calls. */
const char *kernel_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Files of the tree, by whole paths. What fails ends the program. */
void kernel_must(bool done, const char *what);
void kernel_read_text(const char *path, char *text, size_t size);
void kernel_write_text(const char *path, const char *text); /* replaced as a whole */
bool kernel_is_there(const char *path);
const char *kernel_function_file(const char *id, const char *name);

bool kernel_is_vfio(const char *driver);
void kernel_bind(const char *id, const char *driver);

/* What a write does: 0, a negative errno, or 1 if this is a file like any other. `middle` is called where an
 * unbind hangs: the link to the driver is gone, the driver has not let go. */
int kernel_write(const char *path, const char *value, void (*middle)(struct kernel_function *function));

/* What the kernel does in the end, also if the process that wrote into unbind was killed. */
void kernel_finish_unbind(struct kernel_function *function);

/* The function whose lock the access needs, NULL: none. */
struct kernel_function *kernel_locked(enum sysfs_access access, const char *path, const char *value);

#endif
