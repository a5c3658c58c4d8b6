/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepares the daemon's state folder for its user, while we are root. (The run folder stays root's:
 * broker/run_dir.h.)
 *
 * The folder is ours if it is empty or contains our database. Any other folder (/etc, or somebody's home,
 * given by mistake) is refused with ERROR_CONFLICT, and stays as it is. */
#ifndef HOSTPCI_SERVER_DAEMON_FOLDERS_H
#define HOSTPCI_SERVER_DAEMON_FOLDERS_H

#include "base/error.h"
#include "base/user.h"

/* Makes the state folder (mode 0700), and gives it to the user with the database, the certificate and the
 * keys in it. Only regular files with a single link are given away, never the target of a symbolic link. */
int folders_prepare_state(const char *path, const struct user *user, struct error *err);

#endif
