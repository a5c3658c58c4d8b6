/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders that root makes ready for the daemon's user. What is no folder of ours (/etc, somebody's home,
 * named by mistake) is refused and stays as it is: a folder is ours if it is empty or holds our database or
 * one of our sockets. */
#ifndef HOSTPCI_SERVER_DAEMON_FOLDERS_H
#define HOSTPCI_SERVER_DAEMON_FOLDERS_H

#include "base/error.h"
#include "base/user.h"

/* Makes the state folder (mode 0700) and gives it and the database, the certificate and its key in it to the
 * user: plain files with one name only, never what a link leads to. */
int folders_prepare_state(const char *path, const struct user *user, struct error *err);

/* Makes the run folder root's with mode 1775 and the user's group, so that the user can put its socket there
 * but not replace the broker's. A folder that root keeps open to all with the sticky bit, as /tmp, does as it
 * is. */
int folders_prepare_run(const char *path, const struct user *user, struct error *err);

#endif
