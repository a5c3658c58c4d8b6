/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and replacing whole small files. The host's files (/sys, /proc and others below --sysroot) are read
 * through hardware/sysfs.h instead. */
#ifndef HOSTPCI_BASE_FILE_H
#define HOSTPCI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Reads the whole file into a NUL-terminated buffer that the caller frees. ERROR_NOT_FOUND if it is absent,
 * ERROR_TOO_LARGE beyond `limit` bytes. `ret_length` may be NULL. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_length, struct error *err);

/* Replaces the file atomically: a reader finds the old content or the new, even after a power cut. If we
 * are killed while the new content is written, nothing is left of it. */
int file_replace(const char *path, const void *data, size_t length, mode_t mode, struct error *err);

/* The same for a new file. ERROR_CONFLICT if something of that name exists, which stays as it is. */
int file_create(const char *path, const void *data, size_t length, mode_t mode, struct error *err);

/* Makes a folder and its missing parents, each with `mode`. Those that exist stay as they are. */
int file_make_folder(const char *path, mode_t mode, struct error *err);

/* Whether the path leads to something in the folder, going by the two texts alone: the file system is not
 * consulted. */
bool file_is_below(const char *path, const char *folder);

#endif
