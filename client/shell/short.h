/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short commands for people: devices, why, doctor, detach, attach, vfs and map.
 *
 *   hostpci detach 01:00 --group
 *
 * is short for
 *
 *   hostpci set /nodes/localhost/hardware/pci/01:00.0/driver --driver vfio --scope group
 *
 * Each makes one call of the API and takes that call's parameters as options, after its own arguments. A PCI
 * id without a function means function 0, and for detach and attach the whole device. */
#ifndef HOSTPCI_CLIENT_SHELL_SHORT_H
#define HOSTPCI_CLIENT_SHELL_SHORT_H

/* Exit status of `doctor`. */
enum short_exit { SHORT_WARNINGS = 1, SHORT_ERRORS = 2 };

/* argv[0] is the command. Returns the exit status. */
int short_run(int argc, char **argv);

#endif
