/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that QEMU is handed open: its volumes, the sockets on which it listens, its interfaces. They are
 * opened by its supervisor, which is not confined, and each is checked after it was opened:
 * QEMU's user can open none of them by itself.
 *
 * A file of an order is {kind, path, numbers: [N, ...]} (broker/machine/supervisor.h); QEMU knows its
 * descriptors by these numbers:
 *
 *   volume   numbers: one for reading and, if it may be written to, another for both, since QEMU takes
 *            the descriptor of a set by its access mode; direct: with O_DIRECT, by which QEMU takes it,
 *            too, since 9.1 (util/osdep.c, monitor/fds.c there); format; below: the folder in which it
 *            was to lie when it was configured: then it must still lie there, be the only name of its
 *            content, and name no other file (vm/image.h); beneath: it is a volume of the store, whose
 *            folder that is, and is opened through no link
 *   copy     made at the path, root's, of the file `from`, which has a few MiB at most: one number for
 *            reading and one for both
 *   rom      made at the path, of the file `from`, of 16 MiB at most: root's, but `uid` of the order may read
 *            it, by its name; no number
 *   random   /dev/hwrng, for reading
 *   socket   made at the path, root's, listening
 *   tap      the interface `path`, made and connected to `bridge`: a number for each queue and then,
 *            with `vhost`, one more for each */
#ifndef HOSTPCI_BROKER_MACHINE_FILES_H
#define HOSTPCI_BROKER_MACHINE_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define FILES_FIRST   10 /* the lowest number */
#define FILES_MONITOR 9  /* the supervisor's own connection to QEMU's monitor */
#define FILES_LIMIT   512

struct files {
    struct file {
        int number, descriptor;
    } list[FILES_LIMIT];
    size_t count;
};

/* Adds a descriptor, which it takes. */
int files_add(struct files *files, int number, int descriptor, struct error *err);

/* Opens one volume for reading, with all checks. */
int files_open_volume(const json_t *file, int *ret, struct error *err);

/* Opens the files of an order: all of them, or -1. Even after a failure the caller must release `files`. */
int files_open(const json_t *order, struct files *files, struct error *err);
void files_release(struct files *files);

/* Makes the ROMs of a list of files, in place of those that are there. */
int files_make_roms(const json_t *files, const json_t *order, struct error *err);

/* In the child that becomes QEMU: gives the descriptors their numbers and keeps nothing else open beside the
 * standard ones. False, and errno. `kept` stays open until execve; it may get another number. */
bool files_place(const struct files *files, int *kept);

#endif
