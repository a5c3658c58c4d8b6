/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only door to /sys, /proc and the other host files: everything is read relative to the sysroot's folder,
 * so that a directory tree that only looks like a host will do as well as the real one. Paths have no
 * leading slash; those below /sys and /proc are made in hardware/paths.h and nowhere else. */
#ifndef HOSTPCI_HARDWARE_SYSFS_H
#define HOSTPCI_HARDWARE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct sysroot;

/* `path` is "/" or a folder that looks like a host. sysroot_close frees it, and takes NULL. */
int sysroot_open(const char *path, struct sysroot **ret, struct error *err);
void sysroot_close(struct sysroot *sysroot);
bool sysroot_is_host(const struct sysroot *sysroot); /* it is "/" */
int sysroot_fd(const struct sysroot *sysroot);

/* The absolute path of a file below the sysroot, for a library or a message that needs one; the caller frees
 * it. */
char *sysroot_join(const struct sysroot *sysroot, const char *path) __attribute__((returns_nonnull));

/* The functions below take the descriptor of a folder (sysroot_fd, or one from sysfs_open_folder) and a path
 * below it. They return 0 or more, or a negative errno: sysfs is full of files that may be absent, and the
 * caller knows what that means. Text that was read is ASCII: any other byte, a NUL too, has become '?', so
 * that the text can go into a reply. */

int sysfs_open_folder(int folder, const char *path); /* a descriptor, or a negative errno */

/* Reads at most size - 1 bytes (-EFBIG if there are more) with one read(2), which gives a whole attribute of
 * sysfs or a whole short file of /proc; terminates them with a NUL and cuts one newline off the end. Returns
 * the length. */
int sysfs_read(int folder, const char *path, char *buffer, size_t size);

/* Reads a text of any length up to `limit` (-EFBIG beyond) in the same way, into memory that the caller
 * frees. */
int sysfs_read_whole(int folder, const char *path, size_t limit, char **ret);

/* Reads a file of any length up to `limit` (-EFBIG beyond) as it is, in as many reads as that takes, into
 * memory that the caller frees, with room for one byte more. Returns the length. */
int sysfs_read_binary(int folder, const char *path, size_t limit, unsigned char **ret);

/* Reads at most `size` bytes as they are and returns their number; -EFBIG if there are more, with the first
 * of them in the buffer. */
int sysfs_read_bytes(int folder, const char *path, void *buffer, size_t size);

/* Reads a number, decimal or hexadecimal with 0x; -EINVAL if the file holds something else. */
int sysfs_read_number(int folder, const char *path, long long *ret);

/* Reads a link's target, terminates it with a NUL, and returns its length; -ENAMETOOLONG if it does not fit.
 */
int sysfs_read_link(int folder, const char *path, char *buffer, size_t size);

/* The same for the last component of the target: "../../bus/pci/drivers/nouveau" gives "nouveau". */
int sysfs_read_link_name(int folder, const char *path, char *buffer, size_t size);

bool sysfs_exists(int folder, const char *path);

/* Writes a value with one write(2) to a file that must exist. Success does not mean that the value had an
 * effect: read it back. The kernel may block for ever (an unbind of a device that a VM holds), so only the
 * broker's workers call this. */
int sysfs_write(int folder, const char *path, const char *value);

/* Replaces an ordinary file, whose mode stays, or makes it with that mode: whoever reads it finds the old
 * content or the new, also after a crash. What is written first lies beside it, under its name with SYSFS_NEW
 * at the end, and can be left there by a process that is killed. -ELOOP if the file is a link. The calls
 * below are for the broker's workers, too. */
#define SYSFS_NEW ".hostpci-new"
int sysfs_replace(int folder, const char *path, const char *text, mode_t mode);
/* Overwrites an ordinary file whose folder cannot be written to: somebody who reads it meanwhile may
 * find a mixture. -ELOOP if the file is a link. */
int sysfs_overwrite(int folder, const char *path, const char *text);
int sysfs_remove(int folder, const char *path); /* 0 also if there is none */

/* Lists the names in a folder, sorted, as an array that ends with NULL and that sysfs_free_list frees; leaves
 * out ".", ".." and names that are not printable ASCII. Returns their number. */
int sysfs_list(int folder, const char *path, char ***ret);
void sysfs_free_list(char ***list);
#define autolist __attribute__((cleanup(sysfs_free_list)))

/* For tests, which play the kernel behind a tree and make it fail: the functions above call the hook before
 * each access. It returns 1 to let them go on, 0 if it has done a write in their place, or a negative errno.
 * sysfs_exists calls it with SYSFS_OPEN. */
enum sysfs_access { SYSFS_OPEN, SYSFS_READ, SYSFS_WRITE, SYSFS_LINK, SYSFS_LIST, SYSFS_ACCESSES };
typedef int sysfs_hook_function(enum sysfs_access access, int folder, const char *path, const char *value);
extern sysfs_hook_function *sysfs_hook; /* NULL: none */

#endif
