/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of endpoints, for tests that go through all of them. */
#ifndef HOSTPCI_TESTS_API_PATH_H
#define HOSTPCI_TESTS_API_PATH_H

/* A declared path, "/nodes/{node}/status", with its captures filled; a new kind of capture goes into path.c.
 * The caller frees it. */
char *path_fill(const char *declared);

#endif
