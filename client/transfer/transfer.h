/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci import` and `hostpci export`: configuration that comes from elsewhere, and goes there.
 *
 * Both are clients like any other: what they read and make are calls of the API, with the rights of whoever
 * calls them. An import shows what it will do and what it leaves out, and asks. It makes what is not there
 * yet, and changes nothing that is. */
#ifndef HOSTPCI_CLIENT_TRANSFER_TRANSFER_H
#define HOSTPCI_CLIENT_TRANSFER_TRANSFER_H

/* argv[0] is the command. Returns the exit status. */
int transfer_import(int argc, char **argv);
int transfer_export(int argc, char **argv);

#endif
