/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run folder, which holds the sockets of both halves.
 *
 * Whoever may write to it could put a socket of his own in the place of ours and be sent passwords. So it is
 * root's, with mode 0755, and root makes the sockets in it; that of an ordinary user, who runs a daemon for
 * himself, is his alone, with mode 0700. */
#ifndef HOSTPCI_BROKER_RUN_DIR_H
#define HOSTPCI_BROKER_RUN_DIR_H

#include "base/error.h"

/* Makes the folder if it is missing. One that holds nothing but what is ours, or nothing, gets that owner and
 * mode. One that holds other things, too, stays as it is: ERROR_CONFLICT if others may put something into it,
 * or if it is root's and nothing in it is ours. */
int run_dir_prepare(const char *path, struct error *err);

#endif
