/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that the test's daemon looks at: a tree of its own, written by make-host (tests/hosts), which
 * changes as hardware would. Paths are relative to it. */
#ifndef HOSTPCI_TESTS_API_HOST_H
#define HOSTPCI_TESTS_API_HOST_H

/* `count` is of host "many", else NULL. */
void host_make(const char *name, const char *count, const char *folder);

void host_write(const char *path, const char *text); /* folders are made */
void host_relink(const char *link, const char *target);
void host_remove(const char *path); /* a file or link */
void host_unplug(const char *id);   /* a PCI function, with all links to it */

#endif
