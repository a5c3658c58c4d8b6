/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only door to /sys, /proc and the other host files: everything is read relative to the sysroot's folder,
 * so that a directory tree that merely looks like a host serves as well as the real one. Paths have no
 * leading slash; those below /sys and /proc are made in hardware/paths.h and nowhere else. */
#ifndef HOSTPCI_HARDWARE_SYSFS_H
#define HOSTPCI_HARDWARE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sysroot;

/* `path` is "/" or a folder that looks like a host. Freed with sysroot_close, which takes NULL. */
int sysroot_open(const char *path, struct sysroot **ret, struct error *err);
void sysroot_close(struct sysroot *sysroot);
bool sysroot_is_host(const struct sysroot *sysroot); /* it is "/" */
int sysroot_fd(const struct sysroot *sysroot);

/* The absolute path of a file below the sysroot, for libraries and messages that want one; the caller frees
 * it. */
char *sysroot_join(const struct sysroot *sysroot, const char *path) __attribute__((returns_nonnull));

/* The functions below take a folder's descriptor (sysroot_fd or one from sysfs_open_folder) and a path below
 * it. They return 0 or more, or a negative errno; sysfs is full of files that may be absent, and callers
 * decide what that means. What is read as text is ASCII afterwards: any other byte, a NUL too, becomes '?',
 * so that it can go into a reply. */

int sysfs_open_folder(int folder, const char *path); /* a descriptor, or a negative errno */

/* Reads at most size - 1 bytes (more: -EFBIG) with one read(2), which gives a whole sysfs attribute or short
 * /proc file; NUL-terminates, cuts one trailing newline. Returns the length. */
int sysfs_read(int folder, const char *path, char *buffer, size_t size);

/* The same for a text of any length up to `limit`, read to its end into memory that the caller frees. */
int sysfs_read_whole(int folder, const char *path, size_t limit, char **ret);

/* Reads at most `size` bytes as they are (more: -EFBIG, with the first of them in the buffer). Returns their
 * number. */
int sysfs_read_bytes(int folder, const char *path, void *buffer, size_t size);

/* The number in the file, decimal or 0x hexadecimal; -EINVAL if it holds none. */
int sysfs_read_number(int folder, const char *path, long long *ret);

/* A link's target, NUL-terminated (longer: -ENAMETOOLONG). Returns its length. */
int sysfs_read_link(int folder, const char *path, char *buffer, size_t size);

/* The last component of a link's target ("../../bus/pci/drivers/nouveau" gives "nouveau"). */
int sysfs_read_link_name(int folder, const char *path, char *buffer, size_t size);

bool sysfs_exists(int folder, const char *path);

/* Writes a value with one write(2) into a file that must exist. 0, or the negative errno that the kernel
 * gave: of open or of write. That it took the value is not known before it is read back. The kernel may block
 * for ever (an unbind of a device that a VM holds), so this is called in the broker's workers only. */
int sysfs_write(int folder, const char *path, const char *value);

/* The names in a folder but "." and ".." and those that are not printable ASCII, sorted, as a NULL-terminated
 * array that sysfs_free_list frees. Returns their number. */
int sysfs_list(int folder, const char *path, char ***ret);
void sysfs_free_list(char ***list);
#define autolist __attribute__((cleanup(sysfs_free_list)))

/* For tests, which play the kernel behind a tree and let it fail: asked before each access of the functions
 * above. It returns 1: go on; 0: a write was taken, nothing more is done; or a negative errno. sysfs_exists
 * asks as for SYSFS_OPEN. */
enum sysfs_access { SYSFS_OPEN, SYSFS_READ, SYSFS_WRITE, SYSFS_LINK, SYSFS_LIST, SYSFS_ACCESSES };
typedef int sysfs_hook_function(enum sysfs_access access, int folder, const char *path, const char *value);
extern sysfs_hook_function *sysfs_hook; /* NULL: none */

#endif
