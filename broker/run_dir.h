/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run folder, which holds the sockets of both halves.
 *
 * Somebody who can write to it could replace our sockets by his own, and would be sent passwords. So it is
 * root's, with mode 0755, and root makes the sockets in it; that of an ordinary user, who runs a daemon for
 * himself, is his alone, with mode 0700. */
#ifndef HOSTPCI_BROKER_RUN_DIR_H
#define HOSTPCI_BROKER_RUN_DIR_H

#include "base/error.h"

/* Makes the folder if it is missing. A folder that is empty, or contains only what is ours, gets that owner
 * and mode. One that contains other things, too, stays as it is: ERROR_CONFLICT if others can write to it, or
 * if it is root's and nothing in it is ours. */
int run_dir_prepare(const char *path, struct error *err);

#endif
